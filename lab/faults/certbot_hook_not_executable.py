"""The hook that makes nginx load a renewed certificate is not executable: certbot skips it."""

from __future__ import annotations

from lab.edge import HOOK, NGINX
from lab.server import Server

section = "7"
edge = NGINX
fails = {"a-renewed-certificate-is-reloaded"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"chmod -x {HOOK}").required()


def heal(server: Server) -> None:
    server.run(f"chmod +x {HOOK}").required()
