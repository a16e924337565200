"""BACKUP_ENCRYPT_KEY is exported in root's profile, as 5.4 says: cron's job never sees it."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "5.4"
fails = {"backup-settings-reach-cron"}
undetermined: set[str] = set()

FAULT = "recipient-exported-only"
PROFILE = "/root/.profile"
KEPT = f"{fault_helpers.KEPT}/{FAULT}/profile"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "profile", f"cat {PROFILE}")
    server.run(f"echo 'export BACKUP_ENCRYPT_KEY=backup@psyfit.example' >> {PROFILE}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {PROFILE}").required()
    fault_helpers.forget(server, FAULT)
