"""A container has used almost all of its memory limit."""

from __future__ import annotations

from lab import fault_helpers, resource_pressure
from lab.server import Server

section = "3.3"
fails = {"every-container-has-memory-left"}
undetermined: set[str] = set()

FILL = "docker exec psyfit-redis sh -c 'head -c 56000000 /dev/zero > /dev/shm/filler'"


def inject(server: Server) -> None:
    server.run(FILL).required()
    resource_pressure.limit_memory(server, "psyfit-redis", "used * 100 / 94")


def heal(server: Server) -> None:
    resource_pressure.lift_memory(server, "psyfit-redis")
    fault_helpers.attempt(server, "docker exec psyfit-redis rm -f /dev/shm/filler")
