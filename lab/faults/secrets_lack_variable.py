""".kamal/secrets gives no value to one of the variables."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "8.1"
fails = {"the-next-release-gets-the-important-variables"}
undetermined: set[str] = set()

FAULT = "secrets-lack-variable"
SECRETS = "/var/www/psyfit/.kamal/secrets"
KEPT = f"{hands.KEPT}/{FAULT}/secrets"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "secrets", f"cat {SECRETS}")
    server.run(f"sed 's/^BLIND_INDEX_KEY=.*/BLIND_INDEX_KEY=/' {KEPT} > {SECRETS}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {SECRETS}").required()
    hands.forget(server, FAULT)
