"""A deploy holds its lock."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "4.1"
fails = {"no-deploy-is-in-progress"}
undetermined: set[str] = set()

FAULT = "deploy-lock-held"
LOCK = "/run/lock/psyfit-deploy.lock"


def inject(server: Server) -> None:
    held_locks.hold(server, FAULT, LOCK)


def heal(server: Server) -> None:
    held_locks.let_go(server, FAULT, LOCK)
