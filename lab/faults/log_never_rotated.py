"""The backup's log was never rotated and has grown large."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "1"
fails = {"the-logs-are-rotated"}
undetermined: set[str] = set()

FAULT = "log-never-rotated"
LOG = "/var/log/psyfit-backup.log"
EDITING = r"""
yes '[2025-01-01 02:00:00] [INFO] Backup of psyfit_production started' | head -c 21000000
echo
cat
"""


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_log(server, FAULT, LOG)
