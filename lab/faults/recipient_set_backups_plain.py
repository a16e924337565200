"""The crontab sets BACKUP_ENCRYPT_KEY since three days, and the nights' backups are plain."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.4"
fails = {"backups-are-encrypted-once-backup-encrypt-key-is-set"}
undetermined: set[str] = set()

FAULT = "recipient-set-backups-plain"
EDITING = "echo BACKUP_ENCRYPT_KEY=backup@psyfit.example; cat"


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)
    server.run(f"touch --date='3 days ago' {stashed_files.SPOOL}; {stashed_files.NOTICE}").required()


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
