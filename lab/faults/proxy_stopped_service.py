"""The proxy turns every request away, and answers the health path with 200 by itself."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.3"
fails = {"the-application-itself-answers-the-health-check", "the-proxy-forwards-requests"}
undetermined = {*fault_helpers.STANDS_ON_THE_ANSWER, "kamal-proxy-s-saved-state-matches-its-live-state"}

FAULT = "proxy-stopped-service"


def inject(server: Server) -> None:
    fault_helpers.keep_route(server, FAULT)
    fault_helpers.deploy(server, FAULT, "--health-check-path=/api/v1/health")
    server.run("docker exec kamal-proxy kamal-proxy stop psyfit-web --drain-timeout=1s").required()


def heal(server: Server) -> None:
    fault_helpers.restore_route(server, FAULT)
