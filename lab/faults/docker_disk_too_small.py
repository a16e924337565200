"""The disk of the Docker Engine has no room for another image."""

from __future__ import annotations

from lab import small_disk
from lab.server import Server

section = "4.1"
fails = {"there-is-disk-space-for-another-release"}
undetermined: set[str] = set()

FAULT = "docker-disk-too-small"


def inject(server: Server) -> None:
    small_disk.put(server, FAULT, megabytes=64)


def heal(server: Server) -> None:
    small_disk.take_away(server, FAULT)
