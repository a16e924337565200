"""Cron: is it running, what does the crontab say, can its scripts be executed, and how did each job's last run end."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from inspect import cleandoc
from pathlib import PurePosixPath

from cronsim import CronSim, CronSimError

from checks.ages import Ago, ago
from checks.clock import instant_of
from checks.crontab_words import REDUCED
from checks.owned import Owned, read_owned
from runbook import rights
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, lines_of
from runbook.target import Target

CRONTAB = Command(
    cleandoc(
        r"""listed=$(
      if [ "$(id -un)" = {cron_account} ]; then crontab -l; else crontab -l -u {cron_account}; fi
      status=$?; echo x; exit $status
    ) || exit
    new_line='
    '
    listed=${{listed%x}}
    told=$(printf '%s' "$listed" | REDUCED)
    printf '%s' "$told"
    [ -n "${{listed##*"$new_line"}}" ] || echo"""
    ).replace("REDUCED", REDUCED),
    needs=rights.ROOT,
)
"""Its lines as far as they are read: whatever else a job is told or told by may be secret, and stays on the server."""

PROCESSES = Command(
    cleandoc(
        r"""[ -r /proc/1/status ] || {{ echo "Permission denied: other accounts' processes are hidden" >&2; exit 1; }}
    found=$(grep -slE '^Name:[[:space:]]*crond?$' /proc/[0-9]*/status)
    [ -z "$found" ] || grep -shE '^(Name|State|NSpid):' $found || :"""
    ),
    needs=rights.ROOT,
)

SCRIPTS = Command(
    "stat -L -c '%a %U %n' -- {app}/bin/monitor.sh {app}/bin/backup.sh {app}/bin/cleanup-docker.sh", needs=rights.ROOT
)

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

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
SETTING = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s="'*]+)\s*=""")
MINUTES = {"minute": 1, "hour": 60}


@dataclass(frozen=True)
class Schedule:
    """When a line of a crontab runs, however it is written; by the rules of Debian's cron."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool


@dataclass(frozen=True)
class CronLine:
    """One active line. ``schedule`` is None for ``@reboot``; ``command`` is what the shell gets of it."""

    text: str
    schedule: Schedule | None
    command: str


@dataclass(frozen=True)
class Flaw:
    """A line that cron cannot read or would read otherwise than it looks. ``number`` counts from 1."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.reason}"


@dataclass(frozen=True)
class Crontab:
    """The active lines of the account's crontab."""

    lines: tuple[CronLine, ...]
    flaws: tuple[Flaw, ...]

    def running(self, script: str) -> tuple[CronLine, ...]:
        """The lines that run this script, by its whole path."""
        return tuple(line for line in self.lines if script in words_of(line.command))


@dataclass(frozen=True)
class CronProcess:
    """A process of cron's on the server itself; ``state`` is the kernel's letter (S sleeping, T stopped, Z dead)."""

    state: str

    @property
    def alive(self) -> bool:
        """It can start a job."""
        return self.state in "RSDI"


@dataclass(frozen=True)
class Job:
    """One job of the runbook's crontab. ``ending`` begins what the last line says that a good run writes to ``log``."""

    script: str
    log: str
    ending: str


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


def jobs_of(target: Target) -> dict[str, Job]:
    """The jobs that the runbook's crontab runs, by the names of their scripts."""
    paths = target.paths
    return {
        name: Job(f"{paths.app}/bin/{name}", log, ending)
        for name, log, ending in (
            ("monitor.sh", paths.monitor_log, "=== Monitor check completed"),
            ("backup.sh", paths.backup_log, "Backup completed successfully"),
            ("cleanup-docker.sh", paths.cleanup_log, "=== Docker cleanup completed"),
        )
    }


def cron_jobs(look: Look) -> dict[str, Job]:
    """The jobs that the runbook's crontab runs, by the names of their scripts; nothing is asked for that."""
    return jobs_of(look.target)


def crontab(look: Look) -> Crontab:
    """The crontab of the account that runs the jobs; one that is not there is empty."""
    told = look.ask(CRONTAB)
    if told.status != 0 and "no crontab for" in told.err:
        return Crontab((), ())
    return read_crontab(told.required("the crontab").out)


def cron_processes(look: Look) -> tuple[CronProcess, ...]:
    """Cron's processes on the server itself; those inside containers do not count."""
    told = look.ask(PROCESSES).required("the processes")
    with reading("the processes"):
        return tuple(read_processes(told.out))


def scripts(look: Look) -> dict[str, Owned]:
    """The scripts that cron runs, by their paths; one that is missing is not among them."""
    told = look.ask(SCRIPTS)
    if told.status != 0 and "no such file" not in told.err.lower():
        told.required("the scripts' permissions")
    with reading("the scripts' permissions"):
        return {script.path: script for script in read_owned(told.out)}


def last_runs(look: Look) -> LastRuns:
    """How each job's last run ended, by the names of their scripts."""
    jobs = jobs_of(look.target)
    with suppress(Undetermined):  # asked together; what came of each is taken one by one
        look.ask_each(_log_of(job) for job in jobs.values())
    return LastRuns({name: _last_run(look, job) for name, job in jobs.items()})


def _log_of(job: Job) -> Command:
    return LAST_RUN.about(log=job.log, ending=job.ending)


def _last_run(look: Look, job: Job) -> LastRun | Undetermined | None:
    """One job's log that cannot be read leaves the others as they are."""
    try:
        answer = look.ask(_log_of(job))
        if answer.status != 0 and "no such file" in answer.err.lower():
            return None
        with reading(f"the log {job.log}"):
            return read_last_run(answer.required(f"the log {job.log}").out, job.ending)
    except Undetermined as error:
        return error


def read_crontab(text: str) -> Crontab:
    """Read a crontab; what cron could not read becomes a flaw."""
    lines: list[CronLine] = []
    flaws: list[Flaw] = []
    rows = text.split("\n")
    for number, row in enumerate(rows, start=1):
        if number == len(rows) and row.strip():
            flaws.append(Flaw(number, "it does not end with a newline, so cron ignores it"))
        elif row.endswith(("\r", r"\r")):  # Debian's crontab -l writes it out
            flaws.append(Flaw(number, "it ends with a carriage return, which becomes part of the command"))
        elif row.strip() and not row.lstrip().startswith("#") and not SETTING.match(row):
            try:
                lines.append(_line(row))
            except ValueError as error:
                flaws.append(Flaw(number, str(error)))
    return Crontab(tuple(lines), tuple(flaws))


def settings_of(text: str) -> dict[str, str]:
    """The variables that a crontab sets for its jobs; of a name that is set twice, the last value."""
    found: dict[str, str] = {}
    for row in text.split("\n"):
        if (setting := SETTING.match(row)) and not row.lstrip().startswith("#"):
            found[setting[1].strip("\"'")] = row[setting.end() :].strip().strip("\"'")
    return found


def _line(row: str) -> CronLine:
    words = re.split(r"[ \t]+", row.strip(" \t"), maxsplit=1 if row.lstrip().startswith("@") else 5)
    nickname, *_ = words
    if nickname.startswith("@"):
        command = words[1] if len(words) == 2 else ""
        schedule = None if nickname == "@reboot" else schedule_of(NICKNAMES.get(nickname, nickname))
    else:
        *fields, command = words if len(words) == 6 else (*words, "")
        schedule = schedule_of(" ".join(fields))
    if not command.strip():
        raise ValueError("it has no command")
    return CronLine(row.strip(), schedule, _what_the_shell_gets(command))


def _what_the_shell_gets(command: str) -> str:
    """Cron ends the command at the first bare percent sign; the rest is its input."""
    return re.split(r"(?<!\\)%", command.strip())[0].replace("\\%", "%")


def schedule_of(expression: str) -> Schedule:
    """The five fields of a crontab line as sets.

    Raises:
        ValueError: Cron would not take them.
    """
    try:
        told = CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError, IndexError) as error:
        raise ValueError(f"“{expression}” is not a schedule ({error})") from None
    beyond_cron = re.search(r"#|(^|[ ,])\d+/|[0-9 ,]L|LW", expression.upper())
    if len(expression.split()) != 5 or beyond_cron:
        raise ValueError(f"“{expression}” is not a schedule for cron")
    return Schedule(
        minutes=frozenset(told.minutes),
        hours=frozenset(told.hours),
        days=frozenset(told.days),
        months=frozenset(told.months),
        weekdays=frozenset(day % 7 for day in told.weekdays if isinstance(day, int)),
        both_days=told.day_and,
    )


def words_of(command: str) -> list[str]:
    """The words of a shell command, those of a command within it (``bash -c '…'``) included.

    After ``cd FOLDER`` a relative one with a slash is taken from there.
    """
    words = _split(command)
    inner = {at: words_of(words[at]) for at in _commands_within(words)}
    return [word for at, one in enumerate(words) for word in inner.get(at, [one])]


def _split(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return command.split()
    return list(_from_folder(words))


def _commands_within(words: Sequence[str]) -> list[int]:
    """The places of the words that are commands themselves: those that a shell's, su's or flock's ``-c`` is given."""
    return [at for at in range(1, len(words)) if re.fullmatch(r"-[a-z]*c", words[at - 1]) and " " in words[at]]


def _from_folder(words: Iterable[str]) -> Iterator[str]:
    folder, before = "", ""
    for word in words:
        if before == "cd":
            folder = word
        relative = folder and "/" in word and not word.startswith("/")
        yield str(PurePosixPath(folder) / word) if relative else word
        before = word


def appends_all_to(command: str, log: str) -> bool:
    """Whether what the command prints, errors as well, is appended to this file: by itself or by one within it."""
    words = _split(command)
    if any(appends_all_to(words[at], log) for at in _commands_within(words)):
        return True
    places = [place for place in range(len(words) - 1) if words[place : place + 2] == [">>", log]]
    if not places:
        return False
    after = words[places[-1] + 2 :]
    errors_too = any(after[at : at + 3] == ["2", ">&", "1"] for at in range(len(after)))
    errors_apart = any(words[at : at + 3] == ["2", ">>", log] for at in range(len(words)))
    return errors_too or (errors_apart and len(places) > 1)


def read_processes(text: str) -> list[CronProcess]:
    """Read the Name, State and NSpid lines of /proc/PID/status, process after process.

    Raises:
        ValueError: A line is of another form.
    """
    found: list[CronProcess] = []
    state = ""
    for line in lines_of(text):
        key, _, value = line.partition(":")
        words = value.split()
        if not words:
            raise ValueError("this is not a line of a process's status")
        if key == "State":
            state = words[0]
        elif key == "NSpid" and len(words) == 1:
            found.append(CronProcess(state))
    return found


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
