"""The certificate on the server was renewed, and the proxy still serves the previous one."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"the-served-certificate-is-the-one-on-disk"}
undetermined: set[str] = set()

FAULT = "certificate-not-reloaded"
RENEWED = f"{fault_helpers.KEPT}/{FAULT}/renewed.pem"
RENEW = f"openssl x509 -in {fault_helpers.TLS}/cert.pem -signkey {fault_helpers.TLS}/key.pem -days 80 -out {RENEWED}"


def inject(server: Server) -> None:
    fault_helpers.keep_pair(server, FAULT)
    server.run(f"{RENEW} && cat {RENEWED} > {fault_helpers.TLS}/cert.pem").required()


def heal(server: Server) -> None:
    fault_helpers.restore_pair(server, FAULT)
