"""The last restore drill with an encrypted backup was held 200 days ago."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "5.4"
fails = {"a-restore-drill-verified-an-encrypted-backup-recently"}
undetermined: set[str] = set()

FAULT = "restore-drill-overdue"
NOTES = "/var/lib/psyfit-runbook/passed"
KEPT = f"{fault_helpers.KEPT}/{FAULT}/notes"
LONG_AGO = "$(date --date='200 days ago' +%s)"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "notes", f"cat {NOTES}")
    server.run(f'sed "s/^[0-9]*/{LONG_AGO}/" {KEPT} > {NOTES}').required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {NOTES}").required()
    fault_helpers.forget(server, FAULT)
