"""The certificate on the server was renewed, and the proxy still serves the previous one."""

from __future__ import annotations

from lab import hands
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"the-served-certificate-is-the-one-on-disk"}
undetermined: set[str] = set()

FAULT = "certificate-not-reloaded"
RENEW = (
    f"openssl x509 -in {hands.TLS}/cert.pem -signkey {hands.TLS}/key.pem -days 80 -out {hands.KEPT}/{FAULT}/renewed.pem"
)


def inject(server: Server) -> None:
    hands.keep_pair(server, FAULT)
    server.run(f"{RENEW} && cat {hands.KEPT}/{FAULT}/renewed.pem > {hands.TLS}/cert.pem").required()


def heal(server: Server) -> None:
    hands.restore_pair(server, FAULT)
