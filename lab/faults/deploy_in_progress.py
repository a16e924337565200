"""A deploy runs that takes no lock: somebody's own copy of the script."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "4.1"
fails = {"no-deploy-is-in-progress"}
undetermined: set[str] = set()

FAULT = "deploy-in-progress"
SCRIPT = """\
#!/usr/bin/env bash
sleep 3600
:
"""


def inject(server: Server) -> None:
    held_locks.begin(server, FAULT, SCRIPT, name="deploy.sh")


def heal(server: Server) -> None:
    held_locks.end(server, FAULT)
