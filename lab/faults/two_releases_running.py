"""The release that was to be stopped after the deploy keeps running next to the new one."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"exactly-one-release-runs", "there-is-a-release-to-roll-back-to"}
undetermined = {"the-clean-up-leaves-a-release-to-roll-back-to", "the-running-release-is-the-one-deployed"}

FAULT = "two-releases-running"
OLD = f"$(cat {fault_helpers.KEPT}/{FAULT}/container)"
HEALTHY = f'[ "$(docker inspect --format "{{{{.State.Health.Status}}}}" {OLD})" = healthy ]'


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "container", f"echo {server.stopped_web()}")
    server.run(f"docker start {OLD}").required()
    server.wait_until(HEALTHY, seconds=20)


def heal(server: Server) -> None:
    fault_helpers.attempt(server, f"docker stop --time 10 {OLD}")
    fault_helpers.forget(server, FAULT)
