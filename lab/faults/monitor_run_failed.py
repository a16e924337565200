"""The monitor's last run broke off with an error."""

from __future__ import annotations

from lab.server import Server

section = "6.4"
fails = {"the-last-monitor-run-succeeded"}
undetermined: set[str] = set()

FAULT = "monitor-run-failed"
LOG = "/var/log/psyfit-monitor.log"
KEPT = "/run/lab-faults/monitor-run-failed"

# The log is covered by a copy that nobody can write to, so that cron's next run does not change it meanwhile.
COVER = f"""
set -eu
mkdir -p {KEPT}
cp {LOG} {KEPT}/log
printf '[%s] [ERROR] Monitor failed\\n' "$(date '+%F %T')" >> {KEPT}/log
mount --bind {KEPT}/log {LOG}
mount -o remount,bind,ro {LOG}
"""
UNCOVER = f"""
set -eu
while mountpoint --quiet {LOG}; do umount {LOG}; done
rm -rf {KEPT}
/var/www/psyfit/bin/monitor.sh >> {LOG} 2>&1
"""


def inject(server: Server) -> None:
    server.run(COVER).required()


def heal(server: Server) -> None:
    server.run(UNCOVER).required()
