"""The newest archive of the keys is encrypted to another key."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-keys-are-backed-up-encrypted", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "keys-encrypted-to-another-key"
NEWEST = "$(ls psyfit_keys_*.tar.gpg | tail -n 1)"


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, NEWEST, stashed_files.FOR_SOMEBODY_ELSE)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
