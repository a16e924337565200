"""The beginning of an encrypted backup is overwritten."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-intact", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-overwritten"

SCRIPT = r"""
cp "$old" "$file"
dd if=/dev/zero of="$file" bs=4096 count=1 conv=notrunc status=none
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_SEALED, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
