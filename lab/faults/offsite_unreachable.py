"""Nobody can connect to the off-site bucket."""

from __future__ import annotations

from lab import fault_helpers, offsite
from lab.server import Server

section = "5.5"
fails: set[str] = set()
undetermined = offsite.SEEN_OFF_SITE

REJECTED = "INPUT --in-interface eth0 --protocol tcp --dport 8900 --jump REJECT --reject-with tcp-reset"


def inject(server: Server) -> None:
    server.run(f"iptables --insert {REJECTED}").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(server, f"iptables --delete {REJECTED}")
