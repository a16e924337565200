"""The crontab has a line with an hour that no day has, so cron reads none of it."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"the-crontab-is-well-formed"}
undetermined = stashed_files.STANDS_ON_THE_CRONTAB

FAULT = "crontab-bad-schedule"
EDITING = r"""sed 's/^0 2 /0 25 /'"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
