"""The newest archive of the keys is encrypted to another key."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-keys-are-backed-up-encrypted", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "keys-encrypted-to-another-key"
NEWEST = "$(ls psyfit_keys_*.tar.gpg | tail -n 1)"


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, NEWEST, aside.FOR_SOMEBODY_ELSE)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
