"""Something in front of the proxy terminates TLS itself, and accepts TLS 1.1."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "7"
edge = KAMAL_PROXY
fails = {"only-tls-1-2-and-newer-is-accepted"}
undetermined: set[str] = set()

FAULT = "old-tls-accepted"


def inject(server: Server) -> None:
    fault_helpers.put_in_front(server, FAULT, "TLSv1")


def heal(server: Server) -> None:
    fault_helpers.take_from_front(server, FAULT)
