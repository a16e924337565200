"""The certificate is for another name than the domain's."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"the-certificate-covers-the-domain"}
undetermined: set[str] = set()

FAULT = "certificate-other-name"


def inject(server: Server) -> None:
    fault_helpers.show_certificate(server, FAULT, *fault_helpers.certificate_for(server, "www.psytech.jp", days=60))


def heal(server: Server) -> None:
    fault_helpers.restore_pair(server, FAULT)
