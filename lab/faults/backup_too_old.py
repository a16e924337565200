"""A backup of 40 days ago was never removed."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"every-backup-has-an-off-site-copy", "old-backups-are-removed"}
undetermined: set[str] = set()

COPY = f"""
set -eu
cd {stashed_files.BACKUPS}
cp --preserve=mode,ownership {stashed_files.OLDEST_PLAIN} \\
  psyfit_production_$(date --date='40 days ago' +%Y%m%d)_020000.sql.gz
"""


def inject(server: Server) -> None:
    server.run(COPY).required()


def heal(server: Server) -> None:
    server.run(
        f"cd {stashed_files.BACKUPS} && rm -f psyfit_production_$(date --date='40 days ago' +%Y%m%d)_*"
    ).required()
