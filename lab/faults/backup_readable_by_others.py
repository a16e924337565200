"""A backup can be read by everybody, were it not for its folder."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"only-their-owner-can-read-the-backups"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"cd {stashed_files.BACKUPS} && chmod 0644 {stashed_files.NEWEST_PLAIN}").required()


def heal(server: Server) -> None:
    server.run(f"chmod 0600 {stashed_files.BACKUPS}/psyfit_production_*").required()
