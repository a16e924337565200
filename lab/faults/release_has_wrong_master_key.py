"""A release that was made before does not start: its master key is not that of the credentials."""

from __future__ import annotations

from lab import recreated
from lab.server import Server

section = "10"
fails = {"no-release-has-a-wrong-key"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    recreated.add_failed(server, recreated.EARLIER, "sed 's/^RAILS_MASTER_KEY=./RAILS_MASTER_KEY=x/'")


def heal(server: Server) -> None:
    recreated.take_failed(server, recreated.EARLIER)
