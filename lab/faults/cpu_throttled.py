"""A container is throttled by its CPU limit."""

from __future__ import annotations

from lab import hands, strain
from lab.server import Server

section = "3.3"
fails = {"no-container-is-cpu-throttled"}
undetermined: set[str] = set()

WORK = "docker exec psyfit-redis timeout 3 sh -c 'while :; do :; done'"


def inject(server: Server) -> None:
    strain.limit_cpu(server, "psyfit-redis", 30_000)
    hands.attempt(server, WORK)


def heal(server: Server) -> None:
    strain.lift_cpu(server, "psyfit-redis")
