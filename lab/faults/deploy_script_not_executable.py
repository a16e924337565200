"""The deploy script is not executable."""

from __future__ import annotations

from lab.server import Server

section = "4.2"
fails = {"the-deploy-script-is-executable", "the-clone-is-clean"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run("chmod a-x /var/www/psyfit/bin/deploy.sh").required()


def heal(server: Server) -> None:
    server.run("chmod a+x /var/www/psyfit/bin/deploy.sh").required()
