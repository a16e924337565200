"""The newest dump is three times as large as those before it."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-newest-dump-has-a-plausible-size", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-too-large"

SCRIPT = r"""
gzip -dc "$old" | awk '
  { print }
  rows && $0 != "\\." { print; print }
  $0 == "\\." { rows = 0 }
  /^COPY .* FROM stdin;$/ { rows = 1 }' | gzip -1 > "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
