"""BACKUP_ENCRYPT_KEY is exported in root's profile, as 5.4 says: cron's job never sees it."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "5.4"
fails = {"backup-settings-reach-cron"}
undetermined: set[str] = set()

FAULT = "recipient-exported-only"
PROFILE = "/root/.profile"
KEPT = f"{hands.KEPT}/{FAULT}/profile"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "profile", f"cat {PROFILE}")
    server.run(f"echo 'export BACKUP_ENCRYPT_KEY=backup@psyfit.example' >> {PROFILE}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {PROFILE}").required()
    hands.forget(server, FAULT)
