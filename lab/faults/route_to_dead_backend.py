"""The release behind the proxy was stopped: the proxy still lists its route as running."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.3"
fails = {
    "the-application-itself-answers-the-health-check",
    "the-web-release-is-up",
    "the-release-behind-the-proxy-answers",
}
undetermined = {
    *fault_helpers.STANDS_ON_THE_ANSWER,
    *fault_helpers.STANDS_ON_THE_RELEASE,
}

FAULT = "route-to-dead-backend"


def inject(server: Server) -> None:
    fault_helpers.stop(server, FAULT, server.running_web())


def heal(server: Server) -> None:
    fault_helpers.start_again(server, FAULT)
