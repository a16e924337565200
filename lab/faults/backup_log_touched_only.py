"""The backup log was written to just now, and says nothing of a run of the last day."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"the-last-backup-run-succeeded"}
undetermined = {"the-backup-log-matches-the-backups"}

FAULT = "backup-log-touched-only"
LOG = "/var/log/psyfit-backup.log"
EDITING = r"""
awk -v limit="[$(date --date='26 hours ago' '+%F %T')]" '$0 < limit'
"""


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_log(server, FAULT, LOG)
