"""Something that is not gzip follows a backup's gzip."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-plain-backups-are-intact", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-garbage-appended"

SCRIPT = r"""
{ cat "$old"; echo "not a gzip member"; } > "$file"
"""


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.SECOND_NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
