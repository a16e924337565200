"""Only six backups are left."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"enough-backups-are-kept"}
undetermined: set[str] = set()

FAULT = "backups-too-few"
ALL_BUT_SIX = "$(ls psyfit_production_*.sql.gz* | sort --reverse | tail -n +7)"


def inject(server: Server) -> None:
    stashed_files.put_backups_aside(server, FAULT, ALL_BUT_SIX)


def heal(server: Server) -> None:
    stashed_files.put_backups_back(server, FAULT)
