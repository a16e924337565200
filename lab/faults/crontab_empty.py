"""The crontab is empty."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-monitor", "cron-runs-the-nightly-backup", "cron-runs-the-weekly-clean-up"}
undetermined = stashed_files.STANDS_ON_CRON

FAULT = "crontab-empty"
EDITING = r""":"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
