"""The newest stopped release failed as it started: a clean-up that keeps the newest keeps that one."""

from __future__ import annotations

from lab import fault_helpers, swapped_container
from lab.server import Server

section = "9.3"
fails = {"the-clean-up-leaves-a-release-to-roll-back-to"}
undetermined: set[str] = set()

FAULT = "failed-release-kept"
FAILED = f"$(cat {fault_helpers.KEPT}/{FAULT}/container)"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "container", "echo psyfit-web-$(date +%s)")
    swapped_container.add_failed(server, FAILED, command="false")


def heal(server: Server) -> None:
    if fault_helpers.kept(server, FAULT, "container") is not None:
        swapped_container.take_failed(server, FAILED)
    fault_helpers.forget(server, FAULT)
