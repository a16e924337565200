"""Nothing that cron's monitor sees has ALERT_EMAIL: it is exported in root's profile alone."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "6.3"
fails = {"alerts-have-a-recipient-and-a-mailer"}
undetermined = {"the-last-alert-was-delivered"}

FAULT = "alerts-without-recipient"
SETTINGS = "/var/www/psyfit/.env"
PROFILE = "/root/.profile"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "env", f"cat {SETTINGS}")
    fault_helpers.keep(server, FAULT, "profile", f"cat {PROFILE}")
    server.run(f"sed 's/^/export /' {SETTINGS} >> {PROFILE}; sed -i '/^ALERT_EMAIL=/d' {SETTINGS}").required()


def heal(server: Server) -> None:
    for name, path in (("env", SETTINGS), ("profile", PROFILE)):
        kept = f"{fault_helpers.KEPT}/{FAULT}/{name}"
        server.run(f"[ ! -e {kept} ] || cat {kept} > {path}").required()
    fault_helpers.forget(server, FAULT)
