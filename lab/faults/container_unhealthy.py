"""The running release is unhealthy: its own health check fails."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"every-container-is-healthy"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run(f"docker exec --user root {fault_helpers.RELEASE} mv /usr/bin/curl /usr/bin/curl.away").required()
    server.wait_until(
        f'[ "$(docker inspect --format "{{{{.State.Health.Status}}}}" {fault_helpers.RELEASE})" = unhealthy ]',
        seconds=40,
    )


def heal(server: Server) -> None:
    fault_helpers.attempt(
        server, f"docker exec --user root {fault_helpers.RELEASE} mv /usr/bin/curl.away /usr/bin/curl"
    )
    fault_helpers.wait_until_well(server)
