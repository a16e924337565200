"""The database is stopped."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"the-database-is-up", "the-api-is-healthy"}
undetermined = {
    "a-page-that-reads-the-database-answers",
    "no-migration-is-pending",
    "no-migration-is-under-way",
    "the-database-asks-for-the-password",
    "the-database-takes-the-password-of-the-next-release",
    "the-database-is-not-older-than-its-backups",
    "the-right-database-is-in-the-backup",
}

FAULT = "db-down"


def inject(server: Server) -> None:
    hands.stop(server, FAULT, "psyfit-db")


def heal(server: Server) -> None:
    hands.start_again(server, FAULT)
