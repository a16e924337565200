"""A query is blocked by a lock that an idle transaction holds."""

from __future__ import annotations

from lab import resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-session-is-idle-in-transaction", "no-query-is-blocked-by-a-lock"}
undetermined: set[str] = set()

FAULT = "query-blocked-by-lock"


def inject(server: Server) -> None:
    resource_pressure.stay(server, FAULT, "BEGIN; LOCK TABLE exercises IN ACCESS EXCLUSIVE MODE;", name="holder")
    resource_pressure.wait_for_session(server, "state = 'idle in transaction'")
    resource_pressure.stay(server, FAULT, "SELECT count(*) FROM exercises;", name="waiter")
    resource_pressure.wait_for_session(server, "wait_event_type = 'Lock' AND clock_timestamp() - query_start > '5 s'")


def heal(server: Server) -> None:
    resource_pressure.leave(server, FAULT)
