"""There is a file in the clone on the server that no commit knows."""

from __future__ import annotations

from lab.server import Server

section = "4.2"
fails = {"the-clone-is-clean"}
undetermined: set[str] = set()

FAULT = "clone-has-untracked-file"
FILE = "/var/www/psyfit/bin/hotfix.sh"


def inject(server: Server) -> None:
    server.run(f"touch {FILE}").required()


def heal(server: Server) -> None:
    server.run(f"rm -f {FILE}").required()
