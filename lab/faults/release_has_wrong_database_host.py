"""A release that was made before does not start: the database is not where it looks for it."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "10"
fails = {"the-releases-reach-their-database"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    swapped_container.add_failed(
        server, swapped_container.EARLIER, "sed 's/^DATABASE_HOST=.*/DATABASE_HOST=psyfit-bd/'"
    )


def heal(server: Server) -> None:
    swapped_container.take_failed(server, swapped_container.EARLIER)
