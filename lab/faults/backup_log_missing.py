"""The backup's log was deleted."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "1"
fails = {"the-last-backup-run-succeeded", "the-logs-are-up-to-date"}
undetermined = {"the-backup-log-matches-the-backups"}

FAULT = "backup-log-missing"
LOG = "/var/log/psyfit-backup.log"


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, "cat")
    server.run(f"rm {LOG}").required()


def heal(server: Server) -> None:
    server.run(f"touch {LOG}").required()
    stashed_files.restore_log(server, FAULT, LOG)
