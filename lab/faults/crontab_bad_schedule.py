"""The crontab has a line with an hour that no day has, so cron takes none of it."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"the-crontab-is-well-formed"}
undetermined = {
    "cron-runs-the-monitor",
    "cron-runs-the-nightly-backup",
    "cron-runs-the-weekly-clean-up",
    "the-backup-log-agrees-with-the-backups",
    "the-last-backup-run-ended-well",
    "the-last-clean-up-run-ended-well",
    "the-last-monitor-run-ended-well",
}

FAULT = "crontab-bad-schedule"
EDITING = r"""sed 's/^0 2 /0 25 /'"""


def inject(server: Server) -> None:
    aside.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    aside.restore_crontab(server, FAULT)
