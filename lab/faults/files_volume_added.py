"""The running release keeps files in one more volume, which nobody backs up."""

from __future__ import annotations

from lab import hands, recreated
from lab.server import Server

section = "5.2"
fails = {"every-volume-of-the-releases-is-listed-for-backup"}
undetermined: set[str] = set()

FAULT = "files-volume-added"
VOLUME = "psyfit_exports"


def inject(server: Server) -> None:
    recreated.beside(server, FAULT, f"{recreated.LOGS} --volume {VOLUME}:/rails/exports")


def heal(server: Server) -> None:
    recreated.put_back(server, FAULT)
    hands.attempt(server, f"docker volume rm {VOLUME}")
