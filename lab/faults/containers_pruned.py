"""All stopped containers were removed, as docker system prune does: there is no release to roll back to."""

from __future__ import annotations

from lab import hands
from lab.recreated import ASIDE
from lab.server import Server

section = "9.3"
fails = {"there-is-a-release-to-roll-back-to"}
undetermined = {"the-clean-up-leaves-a-release-to-roll-back-to"}

FAULT = "containers-pruned"
OLD = f"$(cat {hands.KEPT}/{FAULT}/container)"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "container", f"echo {server.stopped_web()}")
    server.run(f"docker rename {OLD} {ASIDE}{FAULT}").required()


def heal(server: Server) -> None:
    if hands.kept(server, FAULT, "container") is not None:
        hands.attempt(server, f"docker rename {ASIDE}{FAULT} {OLD}")
    hands.forget(server, FAULT)
