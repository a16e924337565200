"""The backup's line in the crontab names a script that is not there."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-nightly-backup"}
undetermined = {"the-backup-log-matches-the-backups", "the-last-backup-run-succeeded"}

FAULT = "crontab-wrong-path"
EDITING = r"""sed 's,/bin/backup.sh,/backup.sh,'"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
