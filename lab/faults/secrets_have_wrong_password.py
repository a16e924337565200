""".kamal/secrets has another POSTGRES_PASSWORD than the database."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "8.1"
fails = {"the-database-accepts-the-password-of-the-next-release", "the-running-release-uses-the-current-secrets"}
undetermined: set[str] = set()

FAULT = "secrets-have-wrong-password"


def inject(server: Server) -> None:
    fault_helpers.edit_secrets(server, FAULT, "sed 's/^POSTGRES_PASSWORD=.*/&x/'")


def heal(server: Server) -> None:
    fault_helpers.put_secrets_back(server, FAULT)
