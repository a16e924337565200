"""A copy off-site is cut off in the middle."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"off-site-copies-match-the-backups"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    bucket = offsite.administrator(server)
    key = offsite.newest_copy(server)
    octets = offsite.bytes_of(bucket, key)
    offsite.put(bucket, key, octets[: len(octets) // 2], ChecksumAlgorithm="SHA256")


def heal(server: Server) -> None:
    offsite.heal(server)
