"""Cron runs the monitor once an hour."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-monitor"}
undetermined = {"the-last-monitor-run-succeeded"}

FAULT = "crontab-other-schedule"
EDITING = r"""sed '/monitor.sh/s/^[^ ]*/0/'"""


def inject(server: Server) -> None:
    aside.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    aside.restore_crontab(server, FAULT)
