"""A migration runs in the container of the running release, as 4.3 says."""

from __future__ import annotations

from lab import fault_helpers, held_locks
from lab.server import Server

section = "4.3"
fails = {"no-migration-is-in-progress"}
undetermined: set[str] = set()

FAULT = "migration-in-progress"
SCRIPT = f"""\
#!/bin/sh
docker exec "{fault_helpers.RELEASE}" bin/rails db:migrate
"""


def inject(server: Server) -> None:
    held_locks.hold_migrations(server, FAULT)
    held_locks.begin(server, FAULT, SCRIPT)
    server.wait_until("grep -qsz '^db:migrate$' /proc/[0-9]*/cmdline", seconds=10)


def heal(server: Server) -> None:
    held_locks.let_migrations_go(server, FAULT)
