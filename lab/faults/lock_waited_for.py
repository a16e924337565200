"""A query waits for a lock that a transaction left open holds."""

from __future__ import annotations

from lab import resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-transaction-is-left-open", "nobody-waits-for-a-lock"}
undetermined: set[str] = set()

FAULT = "lock-waited-for"


def inject(server: Server) -> None:
    resource_pressure.stay(server, FAULT, "BEGIN; LOCK TABLE exercises IN ACCESS EXCLUSIVE MODE;", name="holder")
    resource_pressure.wait_for_session(server, "state = 'idle in transaction'")
    resource_pressure.stay(server, FAULT, "SELECT count(*) FROM exercises;", name="waiter")
    resource_pressure.wait_for_session(server, "wait_event_type = 'Lock' AND clock_timestamp() - query_start > '5 s'")


def heal(server: Server) -> None:
    resource_pressure.leave(server, FAULT)
