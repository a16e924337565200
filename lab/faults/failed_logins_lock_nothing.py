"""The running release was created so that a thousand failed logins lock an account, and no fewer."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "10"
fails = {"failed-logins-lock-an-account"}
undetermined: set[str] = set()

FAULT = "failed-logins-lock-nothing"


def inject(server: Server) -> None:
    swapped_container.beside(server, FAULT, f"{swapped_container.LOGS} --env LOCKOUT_ATTEMPTS=1000")


def heal(server: Server) -> None:
    swapped_container.put_back(server, FAULT)
