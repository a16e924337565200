"""A backup's gzip has two members, and the second one is cut off."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-plain-backups-are-intact", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-second-member-truncated"

SCRIPT = r"""
gzip -dc "$old" | head -n 20000 | gzip -1 > "$file"
gzip -dc "$old" | tail -n +20001 | gzip -1 | head -c 500000 >> "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.SECOND_NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
