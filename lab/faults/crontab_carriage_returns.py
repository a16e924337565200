"""The crontab was saved with carriage returns."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"the-crontab-is-well-formed"}
undetermined = stashed_files.STANDS_ON_THE_CRONTAB

FAULT = "crontab-carriage-returns"
EDITING = r"""sed 's/$/\r/'"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
