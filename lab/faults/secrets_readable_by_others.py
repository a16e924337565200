"""Everybody on the server can read .kamal/secrets."""

from __future__ import annotations

from lab.server import Server

section = "8.1"
fails = {"secret-files-are-readable-by-their-owner-only"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run("chmod 0644 /var/www/psyfit/.kamal/secrets").required()


def heal(server: Server) -> None:
    server.run("chmod 0600 /var/www/psyfit/.kamal/secrets").required()
