"""An encrypted backup is encrypted to another key."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-encrypted-to-the-backup-key", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-wrong-key"


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.NEWEST_SEALED, aside.FOR_SOMEBODY_ELSE)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
