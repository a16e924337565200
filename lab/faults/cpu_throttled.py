"""A container is throttled by its CPU limit."""

from __future__ import annotations

from lab import fault_helpers, resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-container-is-cpu-throttled"}
undetermined: set[str] = set()

WORK = "docker exec psyfit-redis timeout 3 sh -c 'while :; do :; done'"


def inject(server: Server) -> None:
    resource_pressure.limit_cpu(server, "psyfit-redis", 30_000)
    fault_helpers.attempt(server, WORK)


def heal(server: Server) -> None:
    resource_pressure.lift_cpu(server, "psyfit-redis")
