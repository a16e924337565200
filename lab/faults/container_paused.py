"""Redis is paused: Docker lists it as up, and it does not answer."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"redis-is-up"}
undetermined = fault_helpers.STANDS_ON_REDIS


def inject(server: Server) -> None:
    server.run("docker pause psyfit-redis").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(server, "docker unpause psyfit-redis")
