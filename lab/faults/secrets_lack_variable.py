""".kamal/secrets gives no value to one of the variables."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "8.1"
fails = {"the-next-release-gets-the-required-secrets"}
undetermined = {
    "the-database-accepts-the-password-of-the-next-release",
    "the-running-release-uses-the-current-secrets",
}

FAULT = "secrets-lack-variable"


def inject(server: Server) -> None:
    fault_helpers.edit_secrets(server, FAULT, "sed 's/^BLIND_INDEX_KEY=.*/BLIND_INDEX_KEY=/'")


def heal(server: Server) -> None:
    fault_helpers.put_secrets_back(server, FAULT)
