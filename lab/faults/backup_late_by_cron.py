"""No backup was made for more than a day: the crontab has no line for it."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "10"
fails = {
    "cron-runs-the-nightly-backup",
    "the-newest-backup-is-not-late-the-cause-is-named",
    "the-newest-backup-is-fresh",
}
undetermined = {"the-backup-log-matches-the-backups", "the-last-backup-run-succeeded"}

FAULT = "backup-late-by-cron"
EDITING = r"""grep -v backup.sh"""


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, stashed_files.YOUNG)
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
    stashed_files.restore_crontab(server, FAULT)
