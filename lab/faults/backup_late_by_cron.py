"""No backup was made for more than a day: the crontab has no line for it."""

from __future__ import annotations

from lab import aside
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
    aside.put_backups_aside(server, FAULT, aside.YOUNG)
    aside.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
    aside.restore_crontab(server, FAULT)
