"""The variables of cron's jobs, BACKUP_ and ALERT_EMAIL: where they are set, and whether the jobs see them there.

Cron starts a job with what its crontab sets and, where PAM reads it, /etc/environment. The service's scripts may read
.env besides. What a shell exports, by hand or in its profile, no job of cron's ever sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc

from checks.formats.crontab import settings_of
from checks.formats.instants import instant_of
from checks.formats.shell_words import words_of
from checks.server.cron_jobs import CRONTAB, crontab, jobs_of
from runbook.model import rights
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

SETTINGS = Command(
    cleandoc(
        r"""[ "$(id -u)" = 0 ] || {{ echo "Permission denied: only root sees all of cron's settings" >&2; exit 1; }}
    home=$(awk -F: -v account={cron_account} '$1 == account {{ print $6 }}' /etc/passwd)
    tell() {{
      [ ! -e "$2" ] || stat -L -c 'written %Y %n' -- "$2"
      [ ! -e "$2" ] || sed -nE 's/^[[:space:]]*(export[[:space:]]+)?(BACKUP_[A-Z0-9_]+|ALERT_EMAIL)=.+/\2/p' -- "$2" |
        awk -v who="$1" -v file="$2" '{{ print who, $1, file }}'
    }}
    own="$home/.profile $home/.bash_profile $home/.bashrc"
    for file in $own /etc/profile /etc/profile.d/*.sh /etc/bash.bashrc; do tell shell "$file"; done
    if grep -qsE '^[^#]*pam_env' /etc/pam.d/cron; then tell cron /etc/environment; fi
    if grep -qsF .env -- {app}/bin/backup.sh {app}/bin/monitor.sh {app}/bin/common.sh; then tell cron {app}/.env; fi
    for file in /var/spool/cron/crontabs/{cron_account} /var/spool/cron/{cron_account}; do
      [ ! -f "$file" ] || stat -c 'written %Y the crontab' -- "$file"
    done"""
    ),
    needs=rights.ROOT,
)
"""Names, the files that they stand in, and when these were last written to."""

WITHIN = re.compile(r"(?:^|\s)([A-Z][A-Z0-9_]*)=\S")
OWN = re.compile(r"BACKUP_[A-Z0-9_]+|ALERT_EMAIL")
ADDRESS = "ALERT_EMAIL"


@dataclass(frozen=True)
class Setting:
    """A file that sets a variable. ``since`` is when it was last written to; None where that is not known."""

    name: str
    file: str
    since: datetime | None


@dataclass(frozen=True)
class JobSettings:
    """The variables of the jobs, by who sees them."""

    for_shells: tuple[Setting, ...]
    for_cron: tuple[Setting, ...]

    @property
    def unseen(self) -> tuple[Setting, ...]:
        """Those that a shell has and cron's job has not."""
        seen = {one.name for one in self.for_cron}
        return tuple(one for one in self.for_shells if one.name not in seen)

    def set_by(self, name: str) -> Setting | None:
        """What sets this variable for cron's jobs; None where nothing does."""
        return next((one for one in self.for_cron if one.name == name), None)


def job_settings(snapshot: Snapshot) -> JobSettings:
    """Where the variables of cron's jobs are set."""
    told, listed = snapshot.ask(SETTINGS, CRONTAB)
    jobs, lines = jobs_of(snapshot.target), snapshot.observe(crontab).lines
    own = [line.command for line in lines if any(job.script in words_of(line.command) for job in jobs.values())]
    within = {found[1] for command in own for found in WITHIN.finditer(command)}
    names = within | set(settings_of(listed.out if listed.status == 0 else ""))
    with reading("the settings of the jobs"):
        settings = told.required("the settings of the jobs").out
        return read_settings(settings, {name for name in names if OWN.fullmatch(name)})


def read_settings(text: str, in_crontab: set[str]) -> JobSettings:
    """Read the answer to `SETTINGS`; the crontab's own variables are those named.

    Raises:
        ValueError: A line is of another form.
    """
    found: Mapping[str, list[tuple[str, str]]] = {"shell": [], "cron": []}
    written: dict[str, datetime] = {}
    for line in lines_of(text):
        match line.split(" ", 2):
            case [("shell" | "cron") as who, name, file]:
                found[who].append((name, file))
            case ["written", seconds, file]:
                written[file] = instant_of(seconds)
            case _:
                raise ValueError("there is an unexpected line")
    found["cron"][:0] = [(name, "the crontab") for name in sorted(in_crontab)]
    for_shells, for_cron = (
        tuple(Setting(name, file, written.get(file)) for name, file in found[who]) for who in ("shell", "cron")
    )
    return JobSettings(for_shells, for_cron)
