"""A drill was killed and left a change that waits to be undone."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "4.1"
fails = {"no-drill-is-in-progress"}
undetermined: set[str] = set()

FAULT = "drill-left-open"
JOURNAL = "/var/lib/psyfit-runbook/journal"


def inject(server: Server) -> None:
    server.run(f"umask 077; mkdir -p {JOURNAL} && echo : > {JOURNAL}/9999.sh").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(server, f"rm -f {JOURNAL}/9999.sh; rmdir {JOURNAL} {JOURNAL}/..")
