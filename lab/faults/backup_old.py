"""No backup was made for more than a day."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-backup-log-matches-the-backups", "the-newest-backup-is-fresh"}
undetermined = {"the-newest-backup-is-not-late-the-cause-is-named"}

FAULT = "backup-old"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, stashed_files.YOUNG)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
