"""The health check answers with 200 and a page instead of JSON."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.1"
fails = {"the-application-itself-answers-the-health-check"}
undetermined = fault_helpers.STANDS_ON_THE_ANSWER


def inject(server: Server) -> None:
    server.run(f"docker exec {fault_helpers.RELEASE} sh -c 'echo not-json > /rails/tmp/health-fault'").required()


def heal(server: Server) -> None:
    server.run(f"docker exec {fault_helpers.RELEASE} rm -f /rails/tmp/health-fault").required()
