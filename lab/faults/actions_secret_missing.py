"""The repository has no SSH_PORT among its Actions secrets."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "8.3"
fails = {"github-actions-has-its-secrets"}
undetermined: set[str] = set()

FAULT = "actions-secret-missing"
NAMES = "/etc/psyfit-actions-secrets"
KEPT = f"{hands.KEPT}/{FAULT}/names"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "names", f"cat {NAMES}")
    server.run(f"grep -v '^SSH_PORT$' {KEPT} > {NAMES}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {NAMES}").required()
    hands.forget(server, FAULT)
