"""A mail to the alerts' address is stuck in the queue."""

from __future__ import annotations

from lab.server import Server

section = "6.3"
fails = {"no-alert-is-stuck-in-the-mail-queue"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run("printf 'Subject: [PsyFit] disk\\n\\nfull\\n' | sendmail -odq alerts@psyfit.example").required()


def heal(server: Server) -> None:
    server.run("exim4 -qff").required()
