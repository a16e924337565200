"""Nothing that cron's monitor sees has ALERT_EMAIL: it is exported in root's profile alone."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "6.3"
fails = {"alerts-have-a-recipient-and-a-mailer"}
undetermined = {"the-last-alert-was-delivered"}

FAULT = "alerts-without-recipient"
SETTINGS = "/var/www/psyfit/.env"
PROFILE = "/root/.profile"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "env", f"cat {SETTINGS}")
    hands.keep(server, FAULT, "profile", f"cat {PROFILE}")
    server.run(f"sed 's/^/export /' {SETTINGS} >> {PROFILE}; sed -i '/^ALERT_EMAIL=/d' {SETTINGS}").required()


def heal(server: Server) -> None:
    for name, path in (("env", SETTINGS), ("profile", PROFILE)):
        kept = f"{hands.KEPT}/{FAULT}/{name}"
        server.run(f"[ ! -e {kept} ] || cat {kept} > {path}").required()
    hands.forget(server, FAULT)
