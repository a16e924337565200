"""The running release keeps its log without a limit: it was not started by the deploy script."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "9.2"
fails = {"the-log-of-the-web-release-is-rotated"}
undetermined: set[str] = set()

FAULT = "web-log-without-limit"


def inject(server: Server) -> None:
    swapped_container.beside(server, FAULT, "--log-driver json-file")


def heal(server: Server) -> None:
    swapped_container.put_back(server, FAULT)
