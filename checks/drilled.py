"""The restore drills that have passed, as they are noted on the server itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc

from checks.clock import instant_of
from runbook import rights
from runbook.look import Look, reading
from runbook.question import Command, lines_of

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

SEALED = ".gpg"


@dataclass(frozen=True)
class Drilled:
    """A scenario of a drill that has passed and was undone.

    Attributes:
        backup: The backup that it was about.
        seen_at: The server's own time when this was read.
    """

    scenario: str
    backup: str
    at: datetime
    seen_at: datetime

    @property
    def days_ago(self) -> float:
        """How long ago it passed."""
        return (self.seen_at - self.at).total_seconds() / 86400

    def __str__(self) -> str:
        return f"{self.scenario} with {self.backup} passed on {self.at:%Y-%m-%d}, {self.days_ago:.0f} days ago"


def last_sealed_drill(look: Look) -> Drilled | None:
    """The last time that an encrypted backup was restored by a drill that passed; None where none is noted."""
    told = look.ask(PASSED).required("the drills that have passed")
    with reading("the drills that have passed"):
        return next((one for one in reversed(read_passed(told.out)) if one.backup.endswith(SEALED)), None)


def read_passed(text: str) -> list[Drilled]:
    """Read the answer to `PASSED`, oldest first.

    Raises:
        ValueError: A line is of another form, or the server's time is missing.
    """
    lines = [line.split(" ") for line in lines_of(text)]
    (now,) = [instant_of(words[1]) for words in lines if words[0] == "now" and len(words) == 2]
    noted = []
    for words in lines:
        match words:
            case ["now", _]:
                pass
            case ["passed", seconds, scenario, backup]:
                noted.append(Drilled(scenario, backup, instant_of(seconds), now))
            case _:
                raise ValueError("there is a line of another form")
    return sorted(noted, key=lambda one: one.at)
