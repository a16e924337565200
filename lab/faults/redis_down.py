"""Redis is stopped."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"redis-is-up"}
undetermined = hands.STANDS_ON_REDIS

FAULT = "redis-down"


def inject(server: Server) -> None:
    hands.stop(server, FAULT, "psyfit-redis")


def heal(server: Server) -> None:
    hands.start_again(server, FAULT)
