"""SECRET_KEY_BASE was changed in .kamal/secrets, and the release that runs was not recreated."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "8.2"
fails = {"the-running-release-uses-the-current-secrets"}
undetermined: set[str] = set()

FAULT = "secrets-changed-without-effect"


def inject(server: Server) -> None:
    fault_helpers.edit_secrets(server, FAULT, "sed 's/^SECRET_KEY_BASE=.*/&0/'")


def heal(server: Server) -> None:
    fault_helpers.put_secrets_back(server, FAULT)
