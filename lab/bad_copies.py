"""Copies of the lab's backups that are not as they should be, in a folder of their own beside nobody's."""

from __future__ import annotations

from lab.server import Server
from lab.stashed_files import BACKUPS

FOLDER = "/run/lab-broken-backups"

WRITE = """
set -eu
umask 077
mkdir -p {folder}
file={file}
plain=$(ls {backups}/psyfit_production_*.sql.gz | tail -n 1)
oldest=$(ls {backups}/psyfit_production_*.sql.gz | head -n 1)
sealed=$(ls {backups}/psyfit_production_*.sql.gz.gpg | tail -n 1)
rm -f "$file"
( {script} )
"""


def written(server: Server, name: str, script: str, *, sealed: bool = False) -> str:
    """Let a script write a backup to ``$file``, from ``$plain``, ``$sealed`` or ``$oldest``; returns its path."""
    file = f"{FOLDER}/{name}.sql.gz{'.gpg' if sealed else ''}"
    server.run(WRITE.format(folder=FOLDER, backups=BACKUPS, file=file, script=script)).required()
    return file


def edited(server: Server, name: str, edit: str) -> str:
    """A copy of the newest plain backup as a filter leaves it; returns its path."""
    return written(server, name, f'gzip -dc "$plain" | {edit.strip()} | gzip -1 > "$file"')


def remove(server: Server) -> None:
    """Take all of them away."""
    server.run(f"rm -rf {FOLDER}").required()
