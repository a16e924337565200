"""The last backup run says that it failed."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"the-last-backup-run-succeeded"}
undetermined = {"the-backup-log-matches-the-backups"}

FAULT = "backup-log-failed"
LOG = "/var/log/psyfit-backup.log"
EDITING = r"""
cat
stamp=$(date '+%F %T')
printf '[%s] [INFO] Backup of psyfit_production started\n[%s] [ERROR] Backup failed\n' "$stamp" "$stamp"
"""


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_log(server, FAULT, LOG)
