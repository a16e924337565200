"""A release that was made before does not start: it was given no key for personal data."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "10"
fails = {"no-release-lacks-a-key"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    swapped_container.add_failed(server, swapped_container.EARLIER, "grep -v ^ATTR_ENCRYPTED_KEY=")


def heal(server: Server) -> None:
    swapped_container.take_failed(server, swapped_container.EARLIER)
