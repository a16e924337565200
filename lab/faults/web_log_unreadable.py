"""The running release keeps no log that can be read."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "3.1"
fails = {"the-log-of-the-web-release-is-rotated", "the-logs-can-be-read"}
undetermined = {"the-secrets-are-not-in-the-logs"}

FAULT = "web-log-unreadable"


def inject(server: Server) -> None:
    swapped_container.beside(server, FAULT, "--log-driver none")


def heal(server: Server) -> None:
    swapped_container.put_back(server, FAULT)
