"""A session is idle in transaction: a list of active queries does not show it."""

from __future__ import annotations

from lab import strain
from lab.server import Server

section = "3.3"
fails = {"no-session-is-idle-in-transaction"}
undetermined: set[str] = set()

FAULT = "session-idle-in-transaction"


def inject(server: Server) -> None:
    strain.stay(server, FAULT, "BEGIN; SELECT 1;")
    strain.wait_for_session(server, "clock_timestamp() - state_change > '5 s'")


def heal(server: Server) -> None:
    strain.leave(server, FAULT)
