"""The backup script is not executable."""

from __future__ import annotations

from lab.server import Server

section = "6.4"
fails = {"cron-runs-the-nightly-backup", "the-clone-is-clean"}
undetermined = {"the-backup-log-matches-the-backups", "the-last-backup-run-succeeded"}

FAULT = "script-not-executable"


def inject(server: Server) -> None:
    server.run("chmod a-x /var/www/psyfit/bin/backup.sh").required()


def heal(server: Server) -> None:
    server.run("chmod a+x /var/www/psyfit/bin/backup.sh").required()
