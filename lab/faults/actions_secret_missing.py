"""The repository has no SSH_PORT among its Actions secrets."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "8.3"
fails = {"github-actions-has-its-secrets"}
undetermined: set[str] = set()

FAULT = "actions-secret-missing"
NAMES = "/etc/psyfit-actions-secrets"
KEPT = f"{fault_helpers.KEPT}/{FAULT}/names"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "names", f"cat {NAMES}")
    server.run(f"grep -v '^SSH_PORT$' {KEPT} > {NAMES}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {NAMES}").required()
    fault_helpers.forget(server, FAULT)
