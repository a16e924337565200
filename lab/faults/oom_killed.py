"""A process in a container was OOM-killed, and the container keeps running."""

from __future__ import annotations

from lab import fault_helpers, resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-process-in-a-container-was-oom-killed"}
undetermined: set[str] = set()

EAT = "docker exec psyfit-redis sh -c 'echo 1000 > /proc/self/oom_score_adj; head -c 200000000 /dev/zero | tail'"
"""It is the first that the kernel kills, so that Redis itself is never the one."""


def inject(server: Server) -> None:
    resource_pressure.limit_memory(server, "psyfit-redis", "used + 30000000")
    server.run(f"! {EAT}").required()
    resource_pressure.lift_memory(server, "psyfit-redis")


def heal(server: Server) -> None:
    resource_pressure.lift_memory(server, "psyfit-redis")
    # The engine itself tells of it only once the container has stopped, and until it has stopped again.
    server.run("docker restart psyfit-redis && docker restart psyfit-redis").required()
    server.wait_until("docker exec psyfit-redis redis-cli ping", seconds=10)
    fault_helpers.wait_until_well(server)
