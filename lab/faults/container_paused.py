"""Redis is paused: Docker lists it as up, and it does not answer."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"redis-is-up"}
undetermined = hands.STANDS_ON_REDIS


def inject(server: Server) -> None:
    server.run("docker pause psyfit-redis").required()


def heal(server: Server) -> None:
    hands.attempt(server, "docker unpause psyfit-redis")
