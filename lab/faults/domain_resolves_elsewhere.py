"""The domain resolves to another address than the server's."""

from __future__ import annotations

from lab import fault_helpers
from lab.provisioning import NAMES
from lab.server import Server

section = "1"
fails = {"the-domain-resolves-to-the-server"}
undetermined: set[str] = set()

FAULT = "domain-resolves-elsewhere"
KEPT = f"{fault_helpers.KEPT}/{FAULT}/names"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "names", f"cat {NAMES}")
    server.run(f"sed 's/ .*/ 198.51.100.7/' {KEPT} > {NAMES}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {NAMES}").required()
    fault_helpers.forget(server, FAULT)
