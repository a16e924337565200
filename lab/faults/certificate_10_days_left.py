"""The certificate expires in ten days."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"the-certificate-does-not-expire-soon"}
undetermined: set[str] = set()

FAULT = "certificate-10-days-left"


def inject(server: Server) -> None:
    fault_helpers.show_certificate(server, FAULT, *fault_helpers.certificate_for(server, "psytech.jp", days=10))


def heal(server: Server) -> None:
    fault_helpers.restore_pair(server, FAULT)
