"""The running release was created with sessions of its users that last eight hours."""

from __future__ import annotations

from lab import recreated
from lab.server import Server

section = "10"
fails = {"idle-sessions-time-out"}
undetermined: set[str] = set()

FAULT = "sessions-time-out-late"


def inject(server: Server) -> None:
    recreated.beside(server, FAULT, f"{recreated.LOGS} --env SESSION_TIMEOUT_USER_MINUTES=480")


def heal(server: Server) -> None:
    recreated.put_back(server, FAULT)
