"""The keys were never backed up."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-keys-are-backed-up-encrypted"}
undetermined: set[str] = set()

FAULT = "keys-not-backed-up"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, "psyfit_keys_*")


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
