"""A backup holds its lock."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "4.1"
fails = {"no-backup-is-in-progress"}
undetermined: set[str] = set()

FAULT = "backup-lock-held"
LOCK = "/run/lock/psyfit-backup.lock"


def inject(server: Server) -> None:
    held_locks.hold(server, FAULT, LOCK)


def heal(server: Server) -> None:
    held_locks.let_go(server, FAULT, LOCK)
