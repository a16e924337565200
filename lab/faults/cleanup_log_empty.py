"""The clean-up's log is empty."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"the-last-clean-up-run-succeeded"}
undetermined: set[str] = set()

FAULT = "cleanup-log-empty"
LOG = "/var/log/psyfit-cleanup.log"
EDITING = r"""
:
"""


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_log(server, FAULT, LOG)
