"""The alerts' address no longer exists: the last alert bounced."""

from __future__ import annotations

from lab.server import Server

section = "6.3"
fails = {"the-last-alert-was-delivered"}
undetermined: set[str] = set()

SEND = "printf 'Subject: [PsyFit] disk\\n\\nfull\\n' | sendmail -odi alerts@psyfit.example"


def inject(server: Server) -> None:
    server.run("sed -i 's/^alerts:.*/alerts: :fail: nobody/' /etc/aliases").required()
    server.run(f"{SEND} || true").required()


def heal(server: Server) -> None:
    server.run("sed -i 's/^alerts:.*/alerts: deploy/' /etc/aliases").required()
    server.run(SEND).required()
