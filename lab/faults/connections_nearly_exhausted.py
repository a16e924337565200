"""Most of the database's connections are in use: a pool releases none."""

from __future__ import annotations

from lab import fault_helpers, held_locks, resource_pressure
from lab.server import Server

section = "3.3"
fails = {"the-database-has-connections-left"}
undetermined: set[str] = set()

FAULT = "connections-nearly-exhausted"
POOL = f"""\
#!/bin/sh
sleep 3600 | docker exec -i {fault_helpers.RELEASE} python3 -c '
import os, psycopg2, sys
settings = {{"host": "psyfit-db", "dbname": "psyfit_production", "user": "psyfit_prod"}}
settings |= {{"password": os.environ["POSTGRES_PASSWORD"], "application_name": "{resource_pressure.SESSION}"}}
pool = [psycopg2.connect(**settings) for _ in range(80)]
sys.stdin.read()
'
"""


def inject(server: Server) -> None:
    held_locks.begin(server, FAULT, POOL)
    server.wait_until(
        f'[ "$({resource_pressure.ASK} --command "SELECT count(*) {resource_pressure.OURS}")" -ge 80 ]', seconds=20
    )


def heal(server: Server) -> None:
    resource_pressure.leave(server, FAULT)
