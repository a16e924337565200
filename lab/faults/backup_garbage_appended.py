"""Something that is not gzip follows a backup's gzip."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-plain-backups-are-intact", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-garbage-appended"

SCRIPT = r"""
{ cat "$old"; echo "not a gzip member"; } > "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.SECOND_NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
