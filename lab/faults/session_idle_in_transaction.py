"""A session is idle in transaction: a list of active queries does not show it."""

from __future__ import annotations

from lab import resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-session-is-idle-in-transaction"}
undetermined: set[str] = set()

FAULT = "session-idle-in-transaction"


def inject(server: Server) -> None:
    resource_pressure.stay(server, FAULT, "BEGIN; SELECT 1;")
    resource_pressure.wait_for_session(server, "clock_timestamp() - state_change > '5 s'")


def heal(server: Server) -> None:
    resource_pressure.leave(server, FAULT)
