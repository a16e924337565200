"""Redis is stopped."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"redis-is-up"}
undetermined = fault_helpers.STANDS_ON_REDIS

FAULT = "redis-down"


def inject(server: Server) -> None:
    fault_helpers.stop(server, FAULT, "psyfit-redis")


def heal(server: Server) -> None:
    fault_helpers.start_again(server, FAULT)
