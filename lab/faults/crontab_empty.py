"""The crontab is empty."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-monitor", "cron-runs-the-nightly-backup", "cron-runs-the-weekly-clean-up"}
undetermined = aside.STANDS_ON_CRON

FAULT = "crontab-empty"
EDITING = r""":"""


def inject(server: Server) -> None:
    aside.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    aside.restore_crontab(server, FAULT)
