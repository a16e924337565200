"""Somebody edited a file in the clone on the server."""

from __future__ import annotations

from lab.provisioning import APP, GIT
from lab.server import Server

section = "4.2"
fails = {"the-clone-is-clean"}
undetermined: set[str] = set()

FAULT = "clone-modified"


def inject(server: Server) -> None:
    server.run(f"echo '# edited in place' >> {APP}/config/proxy-options").required()


def heal(server: Server) -> None:
    server.run(f"umask 022; {GIT} checkout --quiet -- config/proxy-options").required()
