"""The newest archive of the files is cut off."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-archives-contain-the-uploaded-files", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "files-archive-truncated"
NEWEST = "$(ls psyfit_storage_*.tar.gz | tail -n 1)"


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, NEWEST, 'head --bytes=-100 "$old" > "$file"')


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
