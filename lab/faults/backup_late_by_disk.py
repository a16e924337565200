"""No backup was made for more than a day: their disk is full."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "10"
fails = {
    "every-disk-has-room",
    "the-newest-backup-is-not-late-the-cause-is-named",
    "no-disk-is-full-the-largest-users-are-named",
    "the-backup-log-matches-the-backups",
    "the-newest-backup-is-fresh",
}
undetermined: set[str] = set()

FAULT = "backup-late-by-disk"
FILLER = f"{stashed_files.BACKUPS}/.filler"
FILL = f"""
set -eu
free=$(df --output=avail --block-size=1 {stashed_files.BACKUPS} | tail -n 1)
fallocate --length "$((free - 1000000))" {FILLER}
"""


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, stashed_files.YOUNG)
    server.run(FILL).required()


def heal(server: Server) -> None:
    server.run(f"rm -f {FILLER}").required()
    stashed_files.put_backups_back(server, FAULT)
