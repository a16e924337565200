"""Cron is there and stopped by a signal."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "6.4"
fails = {"cron-is-running"}
undetermined = {
    "the-backup-log-agrees-with-the-backups",
    "the-last-backup-run-ended-well",
    "the-last-clean-up-run-ended-well",
    "the-last-monitor-run-ended-well",
}

FAULT = "cron-frozen"


def inject(server: Server) -> None:
    server.run("kill -STOP $(cat /run/crond.pid)").required()


def heal(server: Server) -> None:
    server.run("kill -CONT $(cat /run/crond.pid)").required()
    server.wait_until("grep -q '^State:.S' /proc/$(cat /run/crond.pid)/status", seconds=5)
    server.run(aside.MONITOR_NOW).required()
