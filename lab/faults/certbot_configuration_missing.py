"""Certbot no longer knows the certificate: its renewal configuration is missing."""

from __future__ import annotations

from lab.edge import NGINX, RENEWAL
from lab.server import Server

section = "7"
edge = NGINX
fails = {"certificate-renewal-is-set-up"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"mv {RENEWAL} {RENEWAL}.gone").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {RENEWAL}.gone ] || mv {RENEWAL}.gone {RENEWAL}").required()
