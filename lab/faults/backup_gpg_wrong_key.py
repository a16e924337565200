"""An encrypted backup is encrypted to another key."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-encrypted-backups-are-for-the-backup-key", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-gpg-wrong-key"

SCRIPT = r"""
ring=$(mktemp -d)
trap 'gpgconf --homedir "$ring" --kill all; rm -r "$ring"' EXIT
gpg --homedir "$ring" --batch --quiet --passphrase '' \
  --quick-generate-key somebody@example.com default default never 2> /dev/null
gpg --homedir "$ring" --batch --quiet --no-tty --trust-model always --recipient somebody@example.com \
  --output "$file" --encrypt "$old"
"""


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.NEWEST_SEALED, SCRIPT)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
