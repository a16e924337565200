"""The certificate is for another name than the domain's."""

from __future__ import annotations

from lab import hands
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"the-certificate-covers-the-domain"}
undetermined: set[str] = set()

FAULT = "certificate-other-name"


def inject(server: Server) -> None:
    hands.show_certificate(server, FAULT, *hands.certificate_for(server, "www.psytech.jp", days=60))


def heal(server: Server) -> None:
    hands.restore_pair(server, FAULT)
