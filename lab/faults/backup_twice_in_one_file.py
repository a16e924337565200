"""One file holds a dump twice."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-dumps-are-complete", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-twice-in-one-file"

SCRIPT = r"""
cat "$old" "$old" > "$file"
"""


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.SECOND_NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
