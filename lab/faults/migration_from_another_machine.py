"""Somebody migrates the database from another machine: only its lock tells."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "4.3"
fails = {"no-migration-is-in-progress"}
undetermined: set[str] = set()

FAULT = "migration-from-another-machine"


def inject(server: Server) -> None:
    held_locks.hold_migrations(server, FAULT)


def heal(server: Server) -> None:
    held_locks.let_migrations_go(server, FAULT)
