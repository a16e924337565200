"""A release that was made before does not start: its master key is not that of the credentials."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "10"
fails = {"no-release-has-a-wrong-key"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    swapped_container.add_failed(server, swapped_container.EARLIER, "sed 's/^RAILS_MASTER_KEY=./RAILS_MASTER_KEY=x/'")


def heal(server: Server) -> None:
    swapped_container.take_failed(server, swapped_container.EARLIER)
