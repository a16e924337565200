"""No backup was made for more than a day."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-backup-log-matches-the-backups", "the-newest-backup-is-fresh"}
undetermined = {"the-newest-backup-is-not-late-the-cause-is-named"}

FAULT = "backup-old"


def inject(server: Server) -> None:
    aside.put_backups_aside(server, FAULT, aside.YOUNG)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
