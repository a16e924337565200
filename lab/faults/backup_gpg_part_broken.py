"""An encrypted backup that came in parts is broken in the middle of them."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-intact", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-part-broken"

SCRIPT = r"""
cat "$old" | gzip -1 | gpg --batch --quiet --no-tty --trust-model always --encrypt \
  --recipient "$(gpg --batch --list-keys --with-colons | awk -F: '$1 == "fpr" { print $10; exit }')" > "$file"
dd if=/dev/zero of="$file" bs=100000 seek=10 count=1 conv=notrunc status=none
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_SEALED, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
