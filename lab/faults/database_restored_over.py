"""Somebody has tried the oldest backup with `bin/restore.sh`, "for a test": it has replaced production."""

from __future__ import annotations

from lab.server import Server

section = "5.3"
fails = {"the-database-is-not-older-than-its-backups"}
undetermined: set[str] = set()

RESTORE = "cd /var/backups/psyfit && echo yes | /var/www/psyfit/bin/restore.sh %s"
OLDEST = "psyfit_production_[0-9]*.sql.gz"
BEFORE = "pre_restore_psyfit_production_*.sql.gz"


def inject(server: Server) -> None:
    server.run(RESTORE % f"$(ls {OLDEST} | head -n 1)", seconds=60).required()


def heal(server: Server) -> None:
    if server.run(f"ls /var/backups/psyfit/{BEFORE}").status == 0:
        server.run(RESTORE % f"$(ls {BEFORE} | head -n 1)", seconds=60).required()
        server.run(f"rm -f /var/backups/psyfit/{BEFORE}").required()
