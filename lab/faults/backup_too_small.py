"""The newest dump lacks most of its rows."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-newest-dump-has-a-plausible-size", *stashed_files.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-too-small"

SCRIPT = r"""
# Only the rows with a time of these days stay, so that the newest one does.
gzip -dc "$old" | awk -v today="$(date -u +%F)" -v before="$(date -u --date=yesterday +%F)" '
  $0 == "\\." { rows = 0 }
  !rows || index($0, today) || index($0, before)
  /^COPY .* FROM stdin;$/ { rows = 1 }' | gzip -1 > "$file"
"""


def inject(server: Server) -> None:
    stashed_files.replace_backup(server, FAULT, stashed_files.NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
