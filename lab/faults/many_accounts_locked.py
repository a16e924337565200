"""Somebody has tried passwords on many accounts: three of twenty are locked."""

from __future__ import annotations

from lab import resource_pressure
from lab.server import Server

section = "10"
fails = {"few-accounts-are-locked"}
undetermined: set[str] = set()

LOCK = "UPDATE accounts SET locked_at = now() WHERE id <= 3"
UNLOCK = "UPDATE accounts SET locked_at = NULL WHERE locked_at IS NOT NULL"


def inject(server: Server) -> None:
    server.run(f'{resource_pressure.ASK} --command "{LOCK}"').required()


def heal(server: Server) -> None:
    server.run(f'{resource_pressure.ASK} --command "{UNLOCK}"').required()
