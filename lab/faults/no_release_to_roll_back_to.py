"""The only release that is kept to roll back to did not end in good order: it was killed."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"there-is-a-release-to-roll-back-to"}
undetermined: set[str] = set()

FAULT = "no-release-to-roll-back-to"
OLD = f"$(cat {hands.KEPT}/{FAULT}/container)"
LISTENS = f"docker exec {OLD} curl --silent --output /dev/null http://localhost:3000/up"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "container", f"echo {server.stopped_web()}")
    server.run(f"docker start {OLD} && docker kill {OLD}").required()


def heal(server: Server) -> None:
    if hands.kept(server, FAULT, "container") is not None:
        server.run(f"docker start {OLD}").required()
        server.wait_until(LISTENS, seconds=20)
        server.run(f"docker stop --time 10 {OLD}").required()
    hands.forget(server, FAULT)
