"""A file in the clone was edited, and git told not to look at it."""

from __future__ import annotations

from lab.server import Server

section = "4.2"
fails = {"the-clone-is-clean"}
undetermined: set[str] = set()

FAULT = "clone-changed-and-hidden"
APP = "/var/www/psyfit"
FILE = "config/proxy-options"


def inject(server: Server) -> None:
    server.run(f"git -C {APP} update-index --assume-unchanged {FILE} && echo '# edited' >> {APP}/{FILE}").required()


def heal(server: Server) -> None:
    server.run(
        f"umask 022; git -C {APP} update-index --no-assume-unchanged {FILE} && git -C {APP} checkout --quiet -- {FILE}"
    ).required()
