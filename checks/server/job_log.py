"""The logs that cron's jobs write: how the last run of each ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import cleandoc

from checks.formats.ages import Ago, ago
from checks.formats.instants import instant_of
from checks.server.cron_jobs import Job, jobs_of
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

LAST_RUN = Command(
    cleandoc(
        r"""rotated=$(ls -t -- {log}.[0-9]* {log}-[0-9]* 2>/dev/null | head -n 1)
    [ ! -e {log} ] && [ -n "$rotated" ] || exec < {log} || exit
    recent() {{
      if [ -n "$rotated" ]; then zcat -f -- "$rotated" | tail -c 65536; fi
      if [ -e {log} ]; then tail -c 65536 -- {log}; fi
    }}
    lines=$(recent | grep -F -- '] '{ending} | tail -n 1 | sed 's/^/ended /'
      recent | grep -F -e '] [INFO] Backup successful: ' -e '] [INFO] Backup encrypted: ' | tail -n 1 | sed 's/^/made /'
      recent | grep -a '[^[:space:]]' | tail -n 1 | sed 's/^/last /')
    date '+now %s'
    printf '%s\n' "$lines"
    printf '%s\n' "$lines" | sed -n 's/^[a-z]* \[\([0-9-]\{{10\}} [0-9:]\{{8\}}\)\].*/\1/p' |
      date -f - '+stamp %Y-%m-%d %H:%M:%S %s' || :"""
    ),
    needs=rights.ROOT,
)
"""The last line that says a run has ended, and the last line at all, their stamps read by the server's own zone.

The log that was rotated last is read with it, whatever it is called and compressed or not: the log itself may be empty,
or not there until the next run.
"""


@dataclass(frozen=True)
class LogLine:
    """A line of a log; ``at`` is None where it does not begin with a time."""

    text: str
    at: datetime | None

    @property
    def is_error(self) -> bool:
        """It says that something failed."""
        return "] [ERROR]" in self.text


@dataclass(frozen=True)
class LastRun:
    """What a job's log says of its last run.

    Attributes:
        ending: The last line that says that a run has ended well; None where there is none.
        lines: The last of the log, whatever it says; what else stands there stays on the server.
        ended: The last line is such a line.
        backup: The file that the last line about a backup names, its encrypted one where it was encrypted; None where
            there is none.
        seen_at: The server's own time when the log was read.
    """

    ending: LogLine | None
    lines: tuple[LogLine, ...]
    ended: bool
    backup: str | None
    seen_at: datetime

    @property
    def last(self) -> LogLine | None:
        """The last line."""
        return self.lines[-1] if self.lines else None

    @property
    def good_run(self) -> Ago | None:
        """How long ago the last good run ended; None where that cannot be told from the log."""
        if self.ending is None or self.ending.at is None:
            return None
        return ago(self.ending.at, self.seen_at)

    def in_progress(self, usual_minutes: float) -> bool:
        """Whether a run has begun since, and its last word is not older than a run usually takes."""
        if self.last is None or self.ended or self.last.is_error or self.last.at is None:
            return False
        return ago(self.last.at, self.seen_at).less_than(timedelta(minutes=usual_minutes))


@dataclass(frozen=True)
class LastRuns:
    """How each job's last run ended, as far as it could be told."""

    found: Mapping[str, LastRun | Undetermined | None]

    def of(self, script: str) -> LastRun | None:
        """The last run of this script; None where there is no log of it.

        Raises:
            Undetermined: Its log could not be read.
        """
        run = self.found[script]
        if isinstance(run, Undetermined):
            raise run
        return run


def last_runs(snapshot: Snapshot) -> LastRuns:
    """How each job's last run ended, by the names of their scripts."""
    jobs = jobs_of(snapshot.target)
    with suppress(Undetermined):  # asked together; what came of each is taken one by one
        snapshot.ask_all(_log_of(job) for job in jobs.values())
    return LastRuns({name: _last_run(snapshot, job) for name, job in jobs.items()})


def _log_of(job: Job) -> Command:
    return LAST_RUN.with_values(log=job.log, ending=job.ending)


def _last_run(snapshot: Snapshot, job: Job) -> LastRun | Undetermined | None:
    """One job's log that cannot be read leaves the others as they are."""
    try:
        answer = snapshot.ask(_log_of(job))
        if answer.status != 0 and "no such file" in answer.err.lower():
            return None
        with reading(f"the log {job.log}"):
            return read_last_run(answer.required(f"the log {job.log}").out, job.ending)
    except Undetermined as error:
        return error


def read_last_run(text: str, ending: str) -> LastRun:
    """Read the answer to `LAST_RUN`.

    Raises:
        ValueError: A line is of another form.
        LookupError: The server's time is missing.
    """
    told: dict[str, list[str]] = {"ended": [], "made": [], "last": [], "stamp": [], "now": []}
    for line in lines_of(text):
        word, _, rest = line.partition(" ")
        if word:
            told[word].append(rest)
    stamps = dict(stamp.rsplit(" ", 1) for stamp in told["stamp"])
    instants = {stamp: instant_of(seconds) for stamp, seconds in stamps.items()}

    def read(line: str) -> LogLine:
        return LogLine(line, instants.get(line[1:20]) if line.startswith("[") else None)

    lines = tuple(read(line) for line in told["last"] if line.strip())
    return LastRun(
        ending=read(told["ended"][-1]) if told["ended"] else None,
        lines=lines,
        ended=bool(lines) and f"] {ending}" in lines[-1].text,
        backup=_file_of(told["made"][-1]) if told["made"] else None,
        seen_at=instant_of(told["now"][0]),
    )


def _file_of(line: str) -> str | None:
    found = re.search(r"Backup (?:successful: (.+) \([^()]*\)|encrypted: (.+))$", line)
    return found[1] or found[2] if found else None
