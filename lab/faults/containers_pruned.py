"""All stopped containers were removed, as docker system prune does: there is no release to roll back to."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server
from lab.swapped_container import ASIDE

section = "9.3"
fails = {"there-is-a-release-to-roll-back-to"}
undetermined = {"the-clean-up-leaves-a-release-to-roll-back-to"}

FAULT = "containers-pruned"
OLD = f"$(cat {fault_helpers.KEPT}/{FAULT}/container)"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "container", f"echo {server.stopped_web()}")
    server.run(f"docker rename {OLD} {ASIDE}{FAULT}").required()


def heal(server: Server) -> None:
    if fault_helpers.kept(server, FAULT, "container") is not None:
        fault_helpers.attempt(server, f"docker rename {ASIDE}{FAULT} {OLD}")
    fault_helpers.forget(server, FAULT)
