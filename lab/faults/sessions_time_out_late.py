"""The running release was created with sessions of its users that last eight hours."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "10"
fails = {"idle-sessions-time-out"}
undetermined: set[str] = set()

FAULT = "sessions-time-out-late"


def inject(server: Server) -> None:
    swapped_container.beside(server, FAULT, f"{swapped_container.LOGS} --env SESSION_TIMEOUT_USER_MINUTES=480")


def heal(server: Server) -> None:
    swapped_container.put_back(server, FAULT)
