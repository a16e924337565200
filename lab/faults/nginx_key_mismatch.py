"""The key that nginx would load is another than the certificate's: it would not start again."""

from __future__ import annotations

from lab import nginx_certificate
from lab.edge import NGINX
from lab.server import Server

section = "7"
edge = NGINX
fails = {"private-key-matches-the-certificate"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    nginx_certificate.another_key(server)


def heal(server: Server) -> None:
    nginx_certificate.first_certificate(server)
