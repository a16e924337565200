"""The proxy's container is stopped."""

from __future__ import annotations

from lab import hands
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "2.3"
edge = KAMAL_PROXY
fails = {"the-proxy-is-up", "the-domain-serves-a-certificate", "the-ports-answer"}
undetermined = {
    "the-application-itself-answers-the-health-check",
    "plain-http-redirects-to-https",
    *hands.STANDS_ON_THE_ANSWER,
    *hands.STANDS_ON_THE_PROXY,
    *hands.STANDS_ON_THE_CERTIFICATE,
}

FAULT = "proxy-down"


def inject(server: Server) -> None:
    hands.stop(server, FAULT, "kamal-proxy")


def heal(server: Server) -> None:
    hands.start_again(server, FAULT)
