"""A crontab as cron reads it: settings, schedules, and the lines that cron would refuse or cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from checks.formats.shell_words import words_of

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
