"""A backup can be read by everybody, were it not for its folder."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"only-their-owner-can-read-the-backups"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"cd {aside.BACKUPS} && chmod 0644 {aside.NEWEST_PLAIN}").required()


def heal(server: Server) -> None:
    server.run(f"chmod 0600 {aside.BACKUPS}/psyfit_production_*").required()
