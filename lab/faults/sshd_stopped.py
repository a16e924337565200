"""sshd is not running: nobody can log in, and everything else keeps running."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "1"
fails: set[str] = set()
undetermined: set[str] = set()
passes = fault_helpers.TOLD_FROM_OUTSIDE

RUNS = "pgrep -x sshd > /dev/null"


def inject(server: Server) -> None:
    server.run(f"pkill -x sshd; while {RUNS}; do sleep 0.1; done").required()


def heal(server: Server) -> None:
    server.run(f"{RUNS} || /usr/sbin/sshd").required()
