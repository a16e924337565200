"""The program that sends mail was removed."""

from __future__ import annotations

from lab.server import Server

section = "6.3"
fails = {"the-alerts-have-somewhere-to-go"}
undetermined = {"the-last-alert-was-delivered"}

PROGRAM = "/usr/sbin/sendmail"


def inject(server: Server) -> None:
    server.run(f"mv {PROGRAM} {PROGRAM}.aside").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {PROGRAM}.aside ] || mv {PROGRAM}.aside {PROGRAM}").required()
