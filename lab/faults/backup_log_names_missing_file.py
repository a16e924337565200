"""The backup log names a backup that is not there."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-backup-log-matches-the-backups"}
undetermined: set[str] = set()

FAULT = "backup-log-names-missing-file"
LOG = "/var/log/psyfit-backup.log"
EDITING = r"""
cat
stamp=$(date '+%F %T')
printf '[%s] [INFO] Backup successful: /var/backups/psyfit/psyfit_production_20200101_020000.sql.gz (3.1M)\n' "$stamp"
printf '[%s] [INFO] Backup completed successfully.\n' "$stamp"
"""


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_log(server, FAULT, LOG)
