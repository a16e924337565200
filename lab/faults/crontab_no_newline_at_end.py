"""The crontab's last line does not end with a new line."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"the-crontab-is-well-formed"}
undetermined = aside.STANDS_ON_THE_CRONTAB

FAULT = "crontab-no-newline-at-end"
EDITING = r"""head -c -1"""


def inject(server: Server) -> None:
    aside.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    aside.restore_crontab(server, FAULT)
