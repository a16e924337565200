"""Cron exists, but is stopped by a signal."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "6.4"
fails = {"cron-is-running"}
undetermined = stashed_files.STANDS_ON_CRON

FAULT = "cron-frozen"


def inject(server: Server) -> None:
    server.run("kill -STOP $(cat /run/crond.pid)").required()


def heal(server: Server) -> None:
    server.run("kill -CONT $(cat /run/crond.pid)").required()
    server.wait_until("grep -q '^State:.S' /proc/$(cat /run/crond.pid)/status", seconds=5)
    server.run(stashed_files.MONITOR_NOW).required()
