"""The running release is paused: the proxy's requests hang in it."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"the-web-release-is-up", "the-release-behind-the-proxy-answers"}
undetermined = {
    "the-application-itself-answers-the-health-check",
    *hands.STANDS_ON_THE_ANSWER,
    *hands.STANDS_ON_THE_RELEASE,
}


def inject(server: Server) -> None:
    server.run(f"docker pause {server.running_web()}").required()


def heal(server: Server) -> None:
    hands.attempt(
        server, "docker unpause $(docker ps --quiet --filter name=^/psyfit-web-[0-9]+$ --filter status=paused)"
    )
    hands.wait_until_well(server)
