"""The only release that is kept to roll back to did not exit cleanly: it cannot be started."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"there-is-a-release-to-roll-back-to"}
undetermined = {"the-clean-up-leaves-a-release-to-roll-back-to"}

FAULT = "no-release-to-roll-back-to"
OLD = f"$(cat {fault_helpers.KEPT}/{FAULT}/container)"
PROGRAM = "/rails/bin/rails"
LISTENS = f"docker exec {OLD} curl --silent --output /dev/null http://localhost:3000/up"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "container", f"echo {server.stopped_web()}")
    fault_helpers.keep(server, FAULT, "rails.tar", f"docker cp {OLD}:{PROGRAM} -")
    server.run(f"docker cp {fault_helpers.KEPT}/{FAULT}/container {OLD}:{PROGRAM}").required()
    server.run(f"! docker start {OLD}").required()


def heal(server: Server) -> None:
    if fault_helpers.kept(server, FAULT, "container") is not None:
        server.run(
            f"docker cp - {OLD}:/rails/bin < {fault_helpers.KEPT}/{FAULT}/rails.tar && docker start {OLD}"
        ).required()
        server.wait_until(LISTENS, seconds=20)
        server.run(f"docker stop --time 10 {OLD}").required()
    fault_helpers.forget(server, FAULT)
