"""nginx serves another certificate at one of the server's addresses, under which it has another server."""

from __future__ import annotations

from lab import fault_helpers, nginx_certificate
from lab.edge import NGINX
from lab.server import Server

section = "7"
edge = NGINX
fails = {"every-address-serves-the-same-certificate"}
undetermined: set[str] = set()

OTHER = "/etc/nginx/conf.d/other.conf"
FILES = "/etc/nginx/other"
SERVER = f"""\
server {{
  listen 10.77.0.1:443 ssl;
  server_name other.example;
  ssl_certificate {FILES}.pem;
  ssl_certificate_key {FILES}.key;
  return 404;
}}
"""


def inject(server: Server) -> None:
    key, certificate = fault_helpers.certificate_for(server, "other.example", days=60)
    server.run(f"umask 077; cat > {FILES}.key", stdin=key).required()
    server.run(f"cat > {FILES}.pem", stdin=certificate).required()
    server.run(f"cat > {OTHER}", stdin=SERVER.encode()).required()
    nginx_certificate.reload(server)


def heal(server: Server) -> None:
    server.run(f"rm -f {OTHER} {FILES}.key {FILES}.pem").required()
    nginx_certificate.reload(server)
