"""What faults of backups, logs and the crontab do alike: put files aside, and put them back exactly.

Backups are large: they go into a hidden folder beside themselves, on the same file system. Logs are kept with their
times.
"""

from __future__ import annotations

import shlex

from lab import fault_helpers
from lab.server import Server

BACKUPS = "/var/backups/psyfit"
MONITOR_NOW = "/var/www/psyfit/bin/monitor.sh >> /var/log/psyfit-monitor.log 2>&1"
SPOOL = "/var/spool/cron/crontabs/root"
NOTICE = "touch /var/spool/cron/crontabs"  # cron looks at the folder's time before it looks into it

STANDS_ON_CRON = frozenset(
    {
        "the-backup-log-matches-the-backups",
        "the-last-backup-run-succeeded",
        "the-last-clean-up-run-succeeded",
        "the-last-monitor-run-succeeded",
    }
)
STANDS_ON_THE_CRONTAB = STANDS_ON_CRON | {
    "cron-runs-the-monitor",
    "cron-runs-the-nightly-backup",
    "cron-runs-the-weekly-clean-up",
}
"""The scenarios that cannot be told where cron does not run, or takes nothing of its crontab."""

CHANGED_AFTER_ITS_COPY = frozenset({"off-site-copies-match-the-backups"})
"""What else fails where a backup is changed in its place: its copy is from before."""

PUT_ASIDE = """
set -eu
cd {backups}
mkdir -p {folder}
limit={limit}
for file in {files}; do
  [ -e {folder}/"$file" ] || mv "$file" {folder}/
done
"""

PUT_BACK = """
set -eu
cd {backups}
[ -d {folder} ] || exit 0
find {folder} -maxdepth 1 -type f -name 'psyfit_*' -exec mv -f '{{}}' . ';'
rm -r {folder}
"""

YOUNG = '$(for file in psyfit_production_*.sql.gz*; do [ "$file" \\< "$limit" ] || echo "$file"; done)'
"""Backups that were made less than 26 hours ago by their names, as `put_backups_aside` takes them."""

A_DAY_AGO = "psyfit_production_$(date --date='26 hours ago' +%Y%m%d_%H%M%S)"

PLAIN = "ls psyfit_production_*.sql.gz"
SEALED = "ls psyfit_production_*.sql.gz.gpg"
NEWEST_PLAIN = f"$({PLAIN} | tail -n 1)"
SECOND_NEWEST_PLAIN = f"$({PLAIN} | tail -n 2 | head -n 1)"
OLDEST_PLAIN = f"$({PLAIN} | head -n 1)"
NEWEST_SEALED = f"$({SEALED} | tail -n 1)"

REPLACE = """
set -eu
umask 077
cd {backups}
file={file}
mkdir -p {folder}
[ -e {folder}/"$file" ] || mv "$file" {folder}/
old={folder}/$file
( {script} )
touch --reference="$old" "$file"
"""

FOR_SOMEBODY_ELSE = r"""
ring=$(mktemp -d)
trap 'gpgconf --homedir "$ring" --kill all; rm -r "$ring"' EXIT
gpg --homedir "$ring" --batch --quiet --passphrase '' \
  --quick-generate-key somebody@example.com default default never 2> /dev/null
gpg --homedir "$ring" --batch --quiet --no-tty --trust-model always --recipient somebody@example.com \
  --output "$file" --encrypt "$old"
"""
"""What `replace_backup` then writes: the same, encrypted to a key that nobody has."""

KEEP_LOG = """
set -eu
umask 077
mkdir -p {folder}
[ -e {folder}/log ] || {{ cp --preserve=all {log} {folder}/part; mv {folder}/part {folder}/log; }}
"""


def put_backups_aside(server: Server, fault: str, files: str) -> None:
    """Put these backups aside; ``files`` are words of sh in the backups' folder."""
    server.run(PUT_ASIDE.format(backups=BACKUPS, folder=beside(fault), files=files, limit=A_DAY_AGO)).required()


def replace_backup(server: Server, fault: str, file: str, script: str, *, seconds: float = 30) -> None:
    """Put a backup aside and write another in its place, with the same times.

    The script finds the backup's name in ``$file``, and what was put aside in ``$old``.
    """
    replacing = REPLACE.format(backups=BACKUPS, folder=beside(fault), file=file, script=script)
    server.run(replacing, seconds=seconds).required()


def put_backups_back(server: Server, fault: str) -> None:
    """Put the backups back in the place of what stands there now."""
    server.run(PUT_BACK.format(backups=BACKUPS, folder=beside(fault))).required()


def edit_crontab(server: Server, fault: str, editing: str) -> None:
    """Keep root's crontab and put in its place what a filter makes of it; cron takes it as it is, right or wrong."""
    fault_helpers.keep(server, fault, "crontab", f"cat {SPOOL}")
    server.run(f"( {editing} ) < {_kept(fault)}/crontab > {SPOOL}; {NOTICE}").required()


def restore_crontab(server: Server, fault: str) -> None:
    """Put root's crontab back, and do what cron may have missed of the monitor."""
    kept = f"{_kept(fault)}/crontab"
    server.run(f"[ ! -e {kept} ] || {{ cat {kept} > {SPOOL}; {NOTICE}; }}").required()
    server.run(MONITOR_NOW).required()
    fault_helpers.forget(server, fault)


def edit_log(server: Server, fault: str, log: str, editing: str) -> None:
    """Keep a log and put in its place what a filter makes of it."""
    server.run(KEEP_LOG.format(folder=_kept(fault), log=shlex.quote(log))).required()
    server.run(f"( {editing} ) < {_kept(fault)}/log > {shlex.quote(log)}").required()


def restore_log(server: Server, fault: str, log: str) -> None:
    """Put a log back with its times."""
    kept = f"{_kept(fault)}/log"
    server.run(
        f"[ ! -e {kept} ] || {{ cat {kept} > {shlex.quote(log)}; touch --reference={kept} {shlex.quote(log)}; }}"
    ).required()
    fault_helpers.forget(server, fault)


def beside(fault: str) -> str:
    """The hidden folder to which a fault puts backups aside."""
    return f"{BACKUPS}/.aside-{fault}"


def _kept(fault: str) -> str:
    return f"{fault_helpers.KEPT}/{fault}"
