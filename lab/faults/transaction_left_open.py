"""A session began a transaction and does nothing: a list of active queries does not show it."""

from __future__ import annotations

from lab import resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-transaction-is-left-open"}
undetermined: set[str] = set()

FAULT = "transaction-left-open"


def inject(server: Server) -> None:
    resource_pressure.stay(server, FAULT, "BEGIN; SELECT 1;")
    resource_pressure.wait_for_session(server, "clock_timestamp() - state_change > '5 s'")


def heal(server: Server) -> None:
    resource_pressure.leave(server, FAULT)
