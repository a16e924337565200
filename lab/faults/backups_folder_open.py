"""Everybody can see and read what is in the backups' folder."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"only-their-owner-can-read-the-backups"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"chmod 0755 {stashed_files.BACKUPS}").required()


def heal(server: Server) -> None:
    server.run(f"chmod 0700 {stashed_files.BACKUPS}").required()
