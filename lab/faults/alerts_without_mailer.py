"""The program that sends mail was removed."""

from __future__ import annotations

from lab.server import Server

section = "6.3"
fails = {"alerts-have-a-recipient-and-a-mailer"}
undetermined = {"the-last-alert-was-delivered"}

PROGRAM = "/usr/sbin/sendmail"


def inject(server: Server) -> None:
    server.run(f"mv {PROGRAM} {PROGRAM}.aside").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {PROGRAM}.aside ] || mv {PROGRAM}.aside {PROGRAM}").required()
