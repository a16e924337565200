"""A script that hangs writes to a log that was rotated and deleted."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "1"
fails = {"no-process-holds-a-deleted-log-open"}
undetermined: set[str] = set()

FAULT = "deleted-log-held-open"
LOG = "/var/log/psyfit-monitor.log.1"
SCRIPT = f"""\
#!/bin/sh
exec 9>> {LOG}
rm {LOG}
sleep 3600
"""


def inject(server: Server) -> None:
    held_locks.begin(server, FAULT, SCRIPT)
    server.wait_until(f"find /proc/[0-9]*/fd -maxdepth 1 -lname '{LOG} (deleted)' | grep -q .", seconds=5)


def heal(server: Server) -> None:
    held_locks.end(server, FAULT)
