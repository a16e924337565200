"""A copy off-site has the size of its backup, and other bytes at its end."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"off-site-copies-match-the-backups"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    bucket = offsite.administrator(server)
    key = offsite.oldest_copy(server)
    offsite.put(bucket, key, offsite.bytes_of(bucket, key)[:-1] + b"?", ChecksumAlgorithm="SHA256")


def heal(server: Server) -> None:
    offsite.heal(server)
