"""The files of the volume were never backed up."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-uploaded-files-are-backed-up"}
undetermined = {"the-archives-contain-the-uploaded-files"}

FAULT = "files-not-backed-up"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, "psyfit_storage_*")


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
