"""An encrypted backup can be opened with a passphrase as well."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-encrypted-to-the-backup-key", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-passphrase"

SCRIPT = r"""
echo "a guess" | gpg --batch --quiet --no-tty --trust-model always --pinentry-mode loopback --passphrase-fd 0 \
  --recipient "$(gpg --batch --list-keys --with-colons | awk -F: '$1 == "fpr" { print $10; exit }')" \
  --output "$file" --symmetric --encrypt "$old"
gpgconf --kill all
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_SEALED, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
