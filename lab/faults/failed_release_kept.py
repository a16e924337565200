"""The newest stopped release failed as it started: a clean-up that keeps the newest keeps that one."""

from __future__ import annotations

from lab import hands, recreated
from lab.server import Server

section = "9.3"
fails = {"the-clean-up-leaves-a-release-to-roll-back-to"}
undetermined: set[str] = set()

FAULT = "failed-release-kept"
FAILED = f"$(cat {hands.KEPT}/{FAULT}/container)"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "container", "echo psyfit-web-$(date +%s)")
    recreated.add_failed(server, FAILED, command="false")


def heal(server: Server) -> None:
    if hands.kept(server, FAULT, "container") is not None:
        recreated.take_failed(server, FAILED)
    hands.forget(server, FAULT)
