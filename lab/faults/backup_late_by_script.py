"""No backup was made for more than a day: the script's last run failed."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "10"
fails = {
    "the-newest-backup-is-not-late-the-cause-is-named",
    "the-last-backup-run-succeeded",
    "the-newest-backup-is-fresh",
}
undetermined = {"the-backup-log-matches-the-backups"}

FAULT = "backup-late-by-script"
LOG = "/var/log/psyfit-backup.log"
EDITING = r"""
cat
stamp=$(date '+%F %T')
printf '[%s] [INFO] Backup of psyfit_production started\n[%s] [ERROR] Backup failed\n' "$stamp" "$stamp"
"""


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, stashed_files.YOUNG)
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
    stashed_files.restore_log(server, FAULT, LOG)
