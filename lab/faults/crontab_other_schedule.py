"""Cron runs the monitor once an hour."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-monitor"}
undetermined = {"the-last-monitor-run-succeeded"}

FAULT = "crontab-other-schedule"
EDITING = r"""sed '/monitor.sh/s/^[^ ]*/0/'"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
