"""A log file of the database has grown beyond what Docker rotates it at."""

from __future__ import annotations

from lab.server import Server

section = "9.2"
fails = {"container-logs-stay-within-their-rotation-limits"}
undetermined: set[str] = set()

FILE = "$(docker inspect --format '{{.LogPath}}' psyfit-db).1"
LINE = r'{"log":"a line\\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}'


def inject(server: Server) -> None:
    server.run(f"yes '{LINE}' | head -n 200000 > {FILE}").required()


def heal(server: Server) -> None:
    server.run(f"rm -f {FILE}").required()
