"""The running release keeps files in one more volume, which nobody backs up."""

from __future__ import annotations

from lab import fault_helpers, swapped_container
from lab.server import Server

section = "5.2"
fails = {"every-volume-of-the-releases-is-listed-for-backup"}
undetermined: set[str] = set()

FAULT = "files-volume-added"
VOLUME = "psyfit_exports"


def inject(server: Server) -> None:
    swapped_container.beside(server, FAULT, f"{swapped_container.LOGS} --volume {VOLUME}:/rails/exports")


def heal(server: Server) -> None:
    swapped_container.put_back(server, FAULT)
    fault_helpers.attempt(server, f"docker volume rm {VOLUME}")
