"""A query has been running for more than 5 s."""

from __future__ import annotations

from lab import resource_pressure
from lab.server import Server

section = "3.3"
fails = {"no-query-is-slow"}
undetermined: set[str] = set()

FAULT = "query-slow"


def inject(server: Server) -> None:
    resource_pressure.stay(server, FAULT, "SELECT pg_sleep(3600);")
    resource_pressure.wait_for_session(server, "clock_timestamp() - query_start > '5 s'")


def heal(server: Server) -> None:
    resource_pressure.leave(server, FAULT)
