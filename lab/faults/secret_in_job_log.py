"""The log of the backups shows the database's password."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "8.1"
fails = {"the-secrets-are-not-in-the-logs"}
undetermined: set[str] = set()

FAULT = "secret-in-job-log"
LOG = "/var/log/psyfit-backup.log"
EDITING = "sed -n 's/^POSTGRES_PASSWORD=/+ PGPASSWORD=/p' /var/www/psyfit/.kamal/secrets; cat"


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_log(server, FAULT, LOG)
