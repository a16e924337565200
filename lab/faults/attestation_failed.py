"""A person did what only people can do, and it did not go well."""

from __future__ import annotations

from lab import attested
from lab.server import Server

section = "4.1"
fails = set(attested.SCENARIOS)
undetermined: set[str] = set()


def inject(server: Server) -> None:
    attested.write(server.state, result="failed")


def heal(server: Server) -> None:
    attested.write(server.state)
