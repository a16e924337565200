"""monitor.sh does not look at the age of the backups any more."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "6.3"
fails = {"the-monitor-watches-what-the-runbook-lists", "the-clone-is-clean"}
undetermined: set[str] = set()

FAULT = "monitor-skips-backups"
SCRIPT = "/var/www/psyfit/bin/monitor.sh"
KEPT = f"{fault_helpers.KEPT}/{FAULT}/script"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "script", f"cat {SCRIPT}")
    server.run(f"sed '/BACKUP_HOURS=/d; /^check_backup$/d; /^check_backup() {{/,/^}}/d' {KEPT} > {SCRIPT}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT} ] || cat {KEPT} > {SCRIPT}").required()
    fault_helpers.forget(server, FAULT)
