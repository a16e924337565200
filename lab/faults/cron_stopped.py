"""Cron is not running."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-is-running"}
undetermined = stashed_files.STANDS_ON_CRON

FAULT = "cron-stopped"


def inject(server: Server) -> None:
    server.run("kill $(pidof cron)").required()


def heal(server: Server) -> None:
    server.run("pidof cron || cron").required()
    server.wait_until("pidof cron", seconds=5)
    server.run(stashed_files.MONITOR_NOW).required()
