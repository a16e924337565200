"""The crontab's last line does not end with a new line."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"the-crontab-is-well-formed"}
undetermined = stashed_files.STANDS_ON_THE_CRONTAB

FAULT = "crontab-no-newline-at-end"
EDITING = r"""head -c -1"""


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
