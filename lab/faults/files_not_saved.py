"""The files of the volume were never saved."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-uploaded-files-are-backed-up-too"}
undetermined = {"the-uploaded-files-are-in-their-archive"}

FAULT = "files-not-saved"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, "psyfit_storage_*")


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
