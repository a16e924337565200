"""Somebody dumps the database by hand, outside the lock of backups."""

from __future__ import annotations

from lab import fault_helpers, held_locks
from lab.server import Server

section = "4.1"
fails = {"no-backup-is-in-progress"}
undetermined: set[str] = set()

FAULT = "dump-in-progress"
SCRIPT = """\
#!/bin/sh
docker exec psyfit-db pg_dump --username=psyfit_prod --dbname=psyfit_production | sleep 3600
"""


def inject(server: Server) -> None:
    held_locks.begin(server, FAULT, SCRIPT)
    server.wait_until("grep -qsx pg_dump /proc/[0-9]*/comm", seconds=10)


def heal(server: Server) -> None:
    held_locks.end(server, FAULT)
    fault_helpers.attempt(server, "pkill -x pg_dump")
    server.wait_until("! grep -qsx pg_dump /proc/[0-9]*/comm", seconds=10)
