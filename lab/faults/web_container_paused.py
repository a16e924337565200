"""The running release is paused: the proxy's requests hang in it."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"the-web-release-is-up", "the-release-behind-the-proxy-answers"}
undetermined = {
    "the-application-itself-answers-the-health-check",
    *fault_helpers.STANDS_ON_THE_ANSWER,
    *fault_helpers.STANDS_ON_THE_RELEASE,
}


def inject(server: Server) -> None:
    server.run(f"docker pause {server.running_web()}").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(
        server, "docker unpause $(docker ps --quiet --filter name=^/psyfit-web-[0-9]+$ --filter status=paused)"
    )
    fault_helpers.wait_until_well(server)
