"""Cron exists, but is stopped by a signal."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"cron-is-running"}
undetermined = aside.STANDS_ON_CRON

FAULT = "cron-frozen"


def inject(server: Server) -> None:
    server.run("kill -STOP $(cat /run/crond.pid)").required()


def heal(server: Server) -> None:
    server.run("kill -CONT $(cat /run/crond.pid)").required()
    server.wait_until("grep -q '^State:.S' /proc/$(cat /run/crond.pid)/status", seconds=5)
    server.run(aside.MONITOR_NOW).required()
