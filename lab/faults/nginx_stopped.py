"""nginx, which terminates TLS in front of the proxy, is stopped."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import NGINX
from lab.server import Server

section = "2.3"
edge = NGINX
fails = {"tls-is-terminated-for-the-domain", "the-domain-serves-a-certificate", "the-ports-answer"}
undetermined = {
    "the-application-itself-answers-the-health-check",
    "plain-http-redirects-to-https",
    *fault_helpers.STANDS_ON_THE_ANSWER,
    *fault_helpers.STANDS_ON_THE_CERTIFICATE,
}

LISTENS = "grep -q ':01BB 00000000:0000 0A' /proc/net/tcp"


def inject(server: Server) -> None:
    server.run("nginx -s stop").required()
    server.wait_until(f"! {LISTENS}", seconds=10)


def heal(server: Server) -> None:
    server.run(f"{LISTENS} || nginx").required()
    fault_helpers.wait_until_well(server)
