"""The backup is one of the database alone: neither the files nor the keys are in it."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-uploaded-files-are-backed-up", "the-keys-are-backed-up-encrypted"}
undetermined = {"the-archives-contain-the-uploaded-files"}

FAULT = "backup-of-database-alone"
LOG = "/var/log/psyfit-backup.log"


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, "grep -v ' saved: '")
    stashed_files.put_backups_aside(server, FAULT, "psyfit_storage_* psyfit_keys_*")


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
    stashed_files.restore_log(server, FAULT, LOG)
