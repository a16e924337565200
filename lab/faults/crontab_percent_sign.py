"""A bare percent sign cuts the backup's command off before its log."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-nightly-backup"}
undetermined = {"the-backup-log-matches-the-backups", "the-last-backup-run-succeeded"}

FAULT = "crontab-percent-sign"
EDITING = r"""sed 's,/backup.sh >>,/backup.sh --day=$(date +%u) >>,'"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
