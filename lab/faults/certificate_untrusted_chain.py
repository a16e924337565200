"""The certificate is signed by itself, and by no authority."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"the-certificate-is-trusted"}
undetermined: set[str] = set()

FAULT = "certificate-untrusted-chain"
SELF_SIGNED = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj /CN=psytech.jp "
    f"-addext subjectAltName=DNS:psytech.jp -keyout {fault_helpers.TLS}/key.pem -out {fault_helpers.TLS}/cert.pem"
)


def inject(server: Server) -> None:
    fault_helpers.keep_pair(server, FAULT)
    server.run(SELF_SIGNED).required()
    fault_helpers.deploy(server, FAULT)


def heal(server: Server) -> None:
    fault_helpers.restore_pair(server, FAULT)
