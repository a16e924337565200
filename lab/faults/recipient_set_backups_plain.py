"""The crontab sets BACKUP_ENCRYPT_KEY since three days, and the nights' backups are plain."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.4"
fails = {"backups-are-encrypted-once-backup-encrypt-key-is-set"}
undetermined: set[str] = set()

FAULT = "recipient-set-backups-plain"
EDITING = "echo BACKUP_ENCRYPT_KEY=backup@psyfit.example; cat"


def inject(server: Server) -> None:
    aside.edit_crontab(server, FAULT, EDITING)
    server.run(f"touch --date='3 days ago' {aside.SPOOL}; {aside.NOTICE}").required()


def heal(server: Server) -> None:
    aside.restore_crontab(server, FAULT)
