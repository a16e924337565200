"""A dump is cut off in the middle of a table, in an intact gzip."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-dumps-are-complete", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-dump-cut-in-rows"

SCRIPT = r"""
gzip -dc "$old" | head -n 30000 | gzip -1 > "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.SECOND_NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
