"""An encrypted backup is cut off."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-intact", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-truncated"

SCRIPT = r"""
head -c $(($(stat --format=%s "$old") / 2)) "$old" > "$file"
"""


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.NEWEST_SEALED, SCRIPT)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
