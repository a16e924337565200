"""What stands before the application: TLS, certificates, kamal-proxy, nginx, and the health that they show."""
