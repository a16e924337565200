"""The health check's time is ten minutes old: something answers from a cache."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.1"
fails = {"the-health-response-is-fresh"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"docker exec {fault_helpers.RELEASE} sh -c 'echo stale > /rails/tmp/health-fault'").required()


def heal(server: Server) -> None:
    server.run(f"docker exec {fault_helpers.RELEASE} rm -f /rails/tmp/health-fault").required()
