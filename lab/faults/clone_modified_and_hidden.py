"""A file in the clone was edited, and hidden from git."""

from __future__ import annotations

from lab.provisioning import APP, GIT
from lab.server import Server

section = "4.2"
fails = {"the-clone-is-clean"}
undetermined: set[str] = set()

FAULT = "clone-modified-and-hidden"
FILE = "config/proxy-options"


def inject(server: Server) -> None:
    server.run(f"{GIT} update-index --assume-unchanged {FILE} && echo '# edited' >> {APP}/{FILE}").required()


def heal(server: Server) -> None:
    server.run(
        f"umask 022; {GIT} update-index --no-assume-unchanged {FILE} && {GIT} checkout --quiet -- {FILE}"
    ).required()
