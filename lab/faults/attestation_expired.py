"""What people have attested has expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lab import attested
from lab.server import Server

section = "4.1"
fails: set[str] = set()
undetermined = set(attested.SCENARIOS)


def inject(server: Server) -> None:
    attested.write(server.state, on=datetime.now(UTC).date() - attested.COUNTS_FOR - timedelta(days=2))


def heal(server: Server) -> None:
    attested.write(server.state)
