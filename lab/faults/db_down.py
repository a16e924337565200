"""The database is stopped."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"the-database-is-up"}
undetermined = {"the-api-is-healthy", "a-page-that-reads-the-database-responds", *fault_helpers.STANDS_ON_THE_DATABASE}

FAULT = "db-down"


def inject(server: Server) -> None:
    fault_helpers.stop(server, FAULT, "psyfit-db")


def heal(server: Server) -> None:
    fault_helpers.start_again(server, FAULT)
