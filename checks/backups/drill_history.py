"""The restore drills that have passed, as they are noted on the server itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc

from checks.formats.ages import Ago, ago
from checks.formats.instants import instant_of
from runbook.model import renamed, rights
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

PASSED = Command(
    cleandoc(
        r"""date '+now %s'
    [ -d /var/lib/psyfit-runbook ] || exit 0
    names=$(ls -- /var/lib/psyfit-runbook) || exit
    printf '%s\n' "$names" | grep -qx passed || exit 0
    exec < /var/lib/psyfit-runbook/passed || exit
    sed 's/^/passed /'"""
    ),
    needs=rights.ROOT,
)

NOTES = "/var/lib/psyfit-runbook/passed"
NOTE = re.compile(r"passed (?:(\d+)\t([^\t]+)\t([^\t]+)|(\d+) (\S+) (\S+))", re.ASCII)
"""Time, scenario and backup between tabs, or in an older form between blanks."""
SEALED = ".gpg"


@dataclass(frozen=True)
class Drilled:
    """A scenario of a drill that has passed and was undone.

    Attributes:
        backup: The backup that it was about.
        seen_at: The server's own time when this was read.
        renamed: That the scenario had another name when this was noted, in a sentence; nothing where it had not.
    """

    scenario: str
    backup: str
    at: datetime
    seen_at: datetime
    renamed: tuple[str, ...] = ()

    @property
    def passed(self) -> Ago:
        """How long ago it passed."""
        return ago(self.at, self.seen_at)

    def __str__(self) -> str:
        noted = f"{self.scenario} with {self.backup} passed on {self.at:%Y-%m-%d}, {self.passed}"
        return "; ".join((noted, *self.renamed))


@dataclass(frozen=True)
class Passed:
    """What is noted of drills that have passed.

    Attributes:
        noted: Oldest first.
        unreadable: The numbers of the lines that say nothing, counted from 1: one was cut off as the disk was full,
            or is somebody else's.
    """

    noted: tuple[Drilled, ...]
    unreadable: tuple[int, ...]

    @property
    def last_sealed(self) -> Drilled | None:
        """The last with an encrypted backup; None where none is noted.

        One that is noted ahead of the clock counts only where it is the only one: it proves nothing.
        """
        sealed = [one for one in self.noted if one.backup.endswith(SEALED)]
        been = [one for one in sealed if not one.passed.in_future]
        return next(reversed(been or sealed), None)

    @property
    def passed_over(self) -> str | None:
        """Which lines say nothing, for a person; None where each says something."""
        if not self.unreadable:
            return None
        plural = "s" if len(self.unreadable) > 1 else ""
        return f"line{plural} {', '.join(map(str, self.unreadable))} of {NOTES} cannot be read"


def passed_drills(snapshot: Snapshot) -> Passed:
    """What the server has noted of drills that have passed."""
    told = snapshot.ask(PASSED).required("the drills that have passed")
    with reading("the drills that have passed"):
        return read_passed(told.out)


def read_passed(text: str) -> Passed:
    """Read the answer to `PASSED`. A line that says nothing is passed over and named.

    Raises:
        ValueError: The server's time is missing.
    """
    first, *lines = lines_of(text)
    now = instant_of(first.removeprefix("now "))
    noted, unreadable = [], []
    for number, line in enumerate(lines, start=1):
        one = _noted(line, now)
        if one is None:
            unreadable.append(number)
        else:
            noted.append(one)
    return Passed(tuple(sorted(noted, key=lambda one: one.at)), tuple(unreadable))


def _noted(line: str, now: datetime) -> Drilled | None:
    """What a line notes; None where it is of neither form."""
    found = NOTE.fullmatch(line)
    if found is None:
        return None
    seconds, scenario, backup = (one for one in found.groups() if one is not None)
    try:
        return Drilled(renamed.scenario(scenario), backup, instant_of(seconds), now, renamed.sentences([scenario]))
    except ValueError:
        return None
