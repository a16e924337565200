"""The newest backup is of another database, which has two of production's tables."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-backup-contains-this-database", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-of-other-database"
SCRIPT = r"""
gzip --decompress --stdout "$old" |
  sed -E '/^COPY public[.](appointments|audit_events) /!s/^COPY public[.]/&old_/' | gzip > "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
