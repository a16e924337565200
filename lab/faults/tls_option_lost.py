"""The service was deployed to the proxy again as the runbook's 3.4 has it, without its options: TLS is off."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "2.3"
edge = KAMAL_PROXY
fails = {"plain-http-redirects-to-https", "tls-is-terminated-for-the-domain", "the-domain-serves-a-certificate"}
undetermined = {
    "the-application-itself-answers-the-health-check",
    *fault_helpers.STANDS_ON_THE_ANSWER,
    *fault_helpers.STANDS_ON_THE_CERTIFICATE,
}

FAULT = "tls-option-lost"


def inject(server: Server) -> None:
    fault_helpers.keep_route(server, FAULT)
    server.run(
        "docker exec kamal-proxy kamal-proxy deploy psyfit-web "
        f"--target {server.running_web()}:3000 --host psytech.jp --drain-timeout=1s"
    ).required()


def heal(server: Server) -> None:
    fault_helpers.restore_route(server, FAULT)
