"""An encrypted backup is encrypted to another key."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-encrypted-to-the-backup-key", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-wrong-key"


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_SEALED, stashed_files.FOR_SOMEBODY_ELSE)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
