"""The proxy's container is stopped."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "2.3"
edge = KAMAL_PROXY
fails = {"the-proxy-is-up", "the-domain-serves-a-certificate", "the-ports-answer"}
undetermined = {
    "the-application-itself-answers-the-health-check",
    "plain-http-redirects-to-https",
    *fault_helpers.STANDS_ON_THE_ANSWER,
    *fault_helpers.STANDS_ON_THE_PROXY,
    *fault_helpers.STANDS_ON_THE_CERTIFICATE,
}

FAULT = "proxy-down"


def inject(server: Server) -> None:
    fault_helpers.stop(server, FAULT, "kamal-proxy")


def heal(server: Server) -> None:
    fault_helpers.start_again(server, FAULT)
