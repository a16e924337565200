"""The clean-up's line in the crontab overwrites its log each time."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-weekly-clean-up"}
undetermined = {"the-last-clean-up-run-succeeded"}

FAULT = "crontab-log-overwritten"
EDITING = r"""sed '/cleanup/s/>>/>/'"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
