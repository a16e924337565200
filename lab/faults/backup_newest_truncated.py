"""The newest backup is cut off in the middle."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-newest-backup-is-intact", "the-plain-backups-are-intact", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined = {"the-newest-backup-is-fresh"}

FAULT = "backup-newest-truncated"
SCRIPT = r"""
head --bytes=$(($(stat --format=%s "$old") / 2)) "$old" > "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_PLAIN, SCRIPT)
    # On a young lab it was made just now, and would be taken for one that is being written.
    server.run(f"cd {stashed_files.BACKUPS} && touch --date='10 minutes ago' {stashed_files.NEWEST_PLAIN}").required()


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
