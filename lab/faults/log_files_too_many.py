"""The database has kept more log files than its limit: they are from before it was set."""

from __future__ import annotations

from lab.server import Server

section = "9.2"
fails = {"container-logs-stay-within-their-rotation-limits"}
undetermined: set[str] = set()

LOG = "$(docker inspect --format '{{.LogPath}}' psyfit-db)"


def inject(server: Server) -> None:
    server.run(f"log={LOG} && touch $log.1 $log.2 $log.3").required()


def heal(server: Server) -> None:
    server.run(f"log={LOG} && rm -f $log.1 $log.2 $log.3").required()
