"""The database is stopped."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"the-database-is-up"}
undetermined = {"the-api-is-healthy", "a-page-that-reads-the-database-responds", *hands.STANDS_ON_THE_DATABASE}

FAULT = "db-down"


def inject(server: Server) -> None:
    hands.stop(server, FAULT, "psyfit-db")


def heal(server: Server) -> None:
    hands.start_again(server, FAULT)
