"""The key on the server is another than the certificate's: after a restart the proxy would terminate no TLS."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"private-key-matches-the-certificate"}
undetermined: set[str] = set()

FAULT = "certificate-key-mismatch"


def inject(server: Server) -> None:
    fault_helpers.keep_pair(server, FAULT)
    key, _ = fault_helpers.certificate_for(server, "psytech.jp", days=60)
    fault_helpers.put(server, "key.pem", key)


def heal(server: Server) -> None:
    fault_helpers.restore_pair(server, FAULT)
