"""All backups are gone."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"there-are-backups"}
undetermined = {
    "every-backup-has-an-off-site-copy",
    "the-off-site-copies-are-encrypted-at-rest",
    "off-site-copies-match-the-backups",
    "the-newest-backup-is-not-late-the-cause-is-named",
    "backups-are-encrypted-once-backup-encrypt-key-is-set",
    "enough-backups-are-kept",
    "old-backups-are-removed",
    "only-their-owner-can-read-the-backups",
    "backups-are-on-a-separate-file-system",
    "the-backup-contains-this-database",
    "a-restore-drill-verified-an-encrypted-backup-recently",
    "the-backup-log-matches-the-backups",
    "each-backup-is-newer-than-the-last",
    "the-database-is-not-older-than-its-backups",
    "the-dumps-are-complete",
    "the-encrypted-backups-are-encrypted-to-the-backup-key",
    "the-encrypted-backups-are-intact",
    "the-newest-backup-is-fresh",
    "the-newest-backup-is-intact",
    "the-newest-dump-has-a-plausible-size",
    "the-plain-backups-are-intact",
}

FAULT = "backup-missing"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, "psyfit_production_*.sql.gz*")


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
