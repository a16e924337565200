"""A dump is cut off before its last line, in an intact gzip."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"the-dumps-are-complete", *aside.CHANGED_AFTER_ITS_COPY}
undetermined: set[str] = set()

FAULT = "backup-dump-without-last-line"

SCRIPT = r"""
gzip -dc "$old" | sed '/^-- PostgreSQL database dump complete/,$d' | gzip -1 > "$file"
"""


def inject(server: Server) -> None:
    aside.replace_backup(server, FAULT, aside.SECOND_NEWEST_PLAIN, SCRIPT)


def heal(server: Server) -> None:
    aside.put_backups_back(server, FAULT)
