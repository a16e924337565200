"""A copy was uploaded without its SHA-256: nobody can tell whether it is the backup."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails: set[str] = set()
undetermined = {"off-site-copies-match-the-backups"}


def inject(server: Server) -> None:
    bucket = offsite.administrator(server)
    key = offsite.oldest_copy(server)
    offsite.put(bucket, key, offsite.bytes_of(bucket, key))


def heal(server: Server) -> None:
    offsite.heal(server)
