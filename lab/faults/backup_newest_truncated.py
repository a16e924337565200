"""The newest backup is cut off in the middle."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-newest-backup-is-intact", "the-plain-backups-are-intact", *aside.CHANGED_AFTER_ITS_COPY}
undetermined = {"the-newest-backup-is-fresh"}

FAULT = "backup-newest-truncated"
SCRIPT = r"""
head --bytes=$(($(stat --format=%s "$old") / 2)) "$old" > "$file"
"""


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.NEWEST_PLAIN, SCRIPT)
    # On a young lab it was made just now, and would be taken for one that is being written.
    server.run(f"cd {aside.BACKUPS} && touch --date='10 minutes ago' {aside.NEWEST_PLAIN}").required()


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
