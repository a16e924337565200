"""The domain resolves to another address than the server's."""

from __future__ import annotations

from lab import hands
from lab.contents import NAMES
from lab.server import Server

section = "1"
fails = {"the-domain-resolves-to-the-server"}
undetermined: set[str] = set()

FAULT = "domain-resolves-elsewhere"
KEPT = f"{hands.KEPT}/{FAULT}/names"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "names", f"cat {NAMES}")
    server.run(f"sed 's/ .*/ 198.51.100.7/' {KEPT} > {NAMES}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {NAMES}").required()
    hands.forget(server, FAULT)
