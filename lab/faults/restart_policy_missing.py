"""Redis has no restart policy: it would stay down after a restart of the server."""

from __future__ import annotations

from lab.server import Server

section = "2.2"
fails = {"every-container-restarts-after-a-reboot"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run("docker update --restart no psyfit-redis").required()


def heal(server: Server) -> None:
    server.run("docker update --restart unless-stopped psyfit-redis").required()
