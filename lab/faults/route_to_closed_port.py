"""The proxy routes to a port of the running release on which nothing listens."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.3"
fails = {"the-application-itself-answers-the-health-check", "the-release-behind-the-proxy-answers"}
undetermined = fault_helpers.STANDS_ON_THE_ANSWER

FAULT = "route-to-closed-port"


def inject(server: Server) -> None:
    fault_helpers.keep_route(server, FAULT)
    fault_helpers.deploy(server, FAULT, "--force", target=f"{server.running_web()}:3999")


def heal(server: Server) -> None:
    fault_helpers.restore_route(server, FAULT)
