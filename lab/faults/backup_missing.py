"""All backups are gone."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"there-are-backups"}
undetermined = {
    "every-backup-has-its-copy-off-site",
    "the-off-site-copies-are-encrypted-at-rest",
    "the-off-site-copies-are-the-backups",
    "no-backup-is-late-for-a-known-cause",
    "all-backups-are-encrypted-since-a-recipient-is-set",
    "enough-backups-are-kept",
    "old-backups-are-removed",
    "the-backups-are-closed-to-others",
    "the-backups-have-a-file-system-of-their-own",
    "the-right-database-is-in-the-backup",
    "what-is-inside-the-encrypted-backups-was-seen-by-a-drill",
    "the-backup-log-agrees-with-the-backups",
    "the-backups-move-on",
    "the-database-is-not-older-than-its-backups",
    "the-dumps-are-complete",
    "the-encrypted-backups-are-for-the-backup-key",
    "the-encrypted-backups-are-whole",
    "the-newest-backup-is-fresh",
    "the-newest-backup-is-whole",
    "the-newest-dump-has-its-usual-size",
    "the-plain-backups-are-whole",
}

FAULT = "backup-missing"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, "psyfit_production_*.sql.gz*")


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
