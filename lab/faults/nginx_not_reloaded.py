"""Certbot has renewed the certificate, and nginx, which was not reloaded, still serves the previous one."""

from __future__ import annotations

from lab import nginx_certificate
from lab.edge import NGINX
from lab.server import Server

section = "7"
edge = NGINX
fails = {"the-served-certificate-is-the-one-on-disk"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    nginx_certificate.renew(server)


def heal(server: Server) -> None:
    nginx_certificate.first_certificate(server)
