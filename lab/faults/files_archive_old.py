"""The files of the volume were not backed up for more than a day."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-uploaded-files-are-backed-up"}
undetermined = {"the-archives-contain-the-uploaded-files"}

FAULT = "files-archive-old"
YOUNG = (
    "$(limit=psyfit_storage_$(date --date='26 hours ago' +%Y%m%d_%H%M%S); "
    'for file in psyfit_storage_*; do [ "$file" \\< "$limit" ] || echo "$file"; done)'
)


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, YOUNG)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
