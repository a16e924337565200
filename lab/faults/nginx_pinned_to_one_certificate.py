"""nginx names the certificate in certbot's archive, and not the link that each renewal leads to the newest."""

from __future__ import annotations

from lab import nginx_certificate
from lab.edge import ARCHIVE, LIVE, NGINX, SITE
from lab.server import Server

section = "7"
edge = NGINX
fails = {"certificate-renewal-is-set-up"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"sed -i s,{LIVE}/fullchain.pem,{ARCHIVE}/fullchain1.pem, {SITE}").required()
    nginx_certificate.reload(server)


def heal(server: Server) -> None:
    server.run(f"sed -i s,{ARCHIVE}/fullchain1.pem,{LIVE}/fullchain.pem, {SITE}").required()
    nginx_certificate.reload(server)
