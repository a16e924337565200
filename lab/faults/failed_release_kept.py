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
    recreated.like(server, server.running_web(), FAILED, "false")
    server.run(f"docker update --restart no {FAILED} && docker start {FAILED}").required()
    server.wait_until(f'[ "$(docker inspect --format "{{{{.State.Status}}}}" {FAILED})" = exited ]', seconds=10)


def heal(server: Server) -> None:
    if hands.kept(server, FAULT, "container") is not None:
        hands.attempt(server, f"docker rm --force {FAILED}")
    hands.forget(server, FAULT)
