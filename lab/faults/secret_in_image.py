"""An older image of the service was built with a secret in its settings."""

from __future__ import annotations

from lab.server import Server

section = "8.1"
fails = {"the-secrets-are-not-in-the-images"}
undetermined: set[str] = set()

BUILD = r"""
set -eu
release=$(docker ps --quiet --filter name=^/psyfit-web-[0-9]+$ | head -n 1)
like=$(docker inspect --format '{{.Config.Image}}' "$release")
{ echo "FROM $like"; sed -n 's/^SECRET_KEY_BASE=/ENV &/p' /var/www/psyfit/.kamal/secrets; } |
  docker build --quiet --tag psyfit:0000000 -
"""


def inject(server: Server) -> None:
    server.run(BUILD).required()


def heal(server: Server) -> None:
    server.run("! docker image inspect psyfit:0000000 > /dev/null 2>&1 || docker rmi psyfit:0000000").required()
