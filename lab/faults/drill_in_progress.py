"""A drill holds the lock of drills."""

from __future__ import annotations

from lab import fault_helpers, held_locks
from lab.server import Server

section = "4.1"
fails = {"no-drill-is-in-progress"}
undetermined: set[str] = set()

FAULT = "drill-in-progress"
LOCK = "/var/lib/psyfit-runbook/lock"


def inject(server: Server) -> None:
    server.run("mkdir -p -m 0700 /var/lib/psyfit-runbook").required()
    held_locks.hold(server, FAULT, LOCK)


def heal(server: Server) -> None:
    fault_helpers.attempt(server, "mkdir -p -m 0700 /var/lib/psyfit-runbook")
    held_locks.let_go(server, FAULT, LOCK)
    fault_helpers.attempt(server, f"rm -f {LOCK}; rmdir /var/lib/psyfit-runbook")
