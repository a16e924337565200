"""The backup's log was taken away."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "1"
fails = {"the-last-backup-run-ended-well", "the-logs-are-written-to"}
undetermined = {"the-backup-log-agrees-with-the-backups"}

FAULT = "backup-log-gone"
LOG = "/var/log/psyfit-backup.log"


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, "cat")
    server.run(f"rm {LOG}").required()


def heal(server: Server) -> None:
    server.run(f"touch {LOG}").required()
    stashed_files.restore_log(server, FAULT, LOG)
