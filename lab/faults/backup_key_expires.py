"""The backup key in the server's keyring expires in ten days."""

from __future__ import annotations

from lab import fault_helpers, keys
from lab.server import Server

section = "5.4"
fails = {"the-backup-key-does-not-expire-soon"}
undetermined: set[str] = set()

FAULT = "backup-key-expires"
RING = "/root/.gnupg/pubring.kbx"
KEPT = f"{fault_helpers.KEPT}/{FAULT}/ring"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "ring", f"cat {RING}")
    server.run("gpg --batch --quiet --import", stdin=keys.backup_key_for_days(server.state, 10)).required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {RING}; gpgconf --kill all").required()
    fault_helpers.forget(server, FAULT)
