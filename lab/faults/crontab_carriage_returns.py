"""The crontab was saved with carriage returns."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"the-crontab-is-well-formed"}
undetermined = aside.STANDS_ON_THE_CRONTAB

FAULT = "crontab-carriage-returns"
EDITING = r"""sed 's/$/\r/'"""


def inject(server: Server) -> None:
    aside.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    aside.restore_crontab(server, FAULT)
