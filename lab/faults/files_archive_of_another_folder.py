"""The newest archive of the files is one of another folder."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-archives-contain-the-uploaded-files", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "files-archive-of-another-folder"
NEWEST = "$(ls psyfit_storage_*.tar.gz | tail -n 1)"


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, NEWEST, 'tar --create --gzip --file="$file" --directory=/var/www/psyfit app')


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
