"""A program was started with the database's password among its arguments."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "8.1"
fails = {"the-secrets-are-not-in-the-process-list"}
undetermined: set[str] = set()

FAULT = "secret-in-process-list"
PROGRAM = """\
#!/bin/sh
exec python3 -c 'import time; time.sleep(3600)' "$(sed -n 's/^POSTGRES_PASSWORD=//p' /var/www/psyfit/.kamal/secrets)"
"""


def inject(server: Server) -> None:
    held_locks.begin(server, FAULT, PROGRAM)
    server.wait_until("grep -qs time.sleep /proc/[0-9]*/cmdline", seconds=5)


def heal(server: Server) -> None:
    held_locks.end(server, FAULT)
