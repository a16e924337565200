"""The newest backup has a new name and new times, and the rows of a week ago."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"each-backup-is-newer-than-the-last", "the-newest-backup-is-fresh", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-old-content-new-name"

COPY = """
set -eu
umask 077
cd /var/backups/psyfit
newest=$(basename "$(ls {folder}/psyfit_production_*.sql.gz | tail -n 1)")
cp "{oldest}" "$newest"
"""


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, stashed_files.YOUNG)
    server.run(COPY.format(folder=stashed_files.beside(FAULT), oldest=stashed_files.OLDEST_PLAIN)).required()


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
