"""Somebody's container was left behind on the server."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"no-unexpected-container-exists"}
undetermined: set[str] = set()

IMAGE = f'"$(docker inspect --format "{{{{.Config.Image}}}}" {fault_helpers.RELEASE})"'


def inject(server: Server) -> None:
    server.run(
        f"docker run --detach --name left-behind --network none --no-healthcheck {IMAGE} sleep infinity"
    ).required()


def heal(server: Server) -> None:
    fault_helpers.attempt(server, "docker rm --force left-behind")
