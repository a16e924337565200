"""The backup's log was taken away."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "1"
fails = {"the-last-backup-run-ended-well", "the-logs-are-written-to"}
undetermined = {"the-backup-log-agrees-with-the-backups"}

FAULT = "backup-log-gone"
LOG = "/var/log/psyfit-backup.log"


def inject(server: Server) -> None:
    aside.edit_log(server, FAULT, LOG, "cat")
    server.run(f"rm {LOG}").required()


def heal(server: Server) -> None:
    server.run(f"touch {LOG}").required()
    aside.restore_log(server, FAULT, LOG)
