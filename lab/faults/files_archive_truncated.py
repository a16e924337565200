"""The newest archive of the files is cut off."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-archives-contain-the-uploaded-files", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "files-archive-truncated"
NEWEST = "$(ls psyfit_storage_*.tar.gz | tail -n 1)"


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, NEWEST, 'head --bytes=-100 "$old" > "$file"')


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
