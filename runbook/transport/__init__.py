"""The ways to a server and to those beside it: ssh, the Docker Engine, HTTP, TLS, DNS, S3, each with a deadline."""
