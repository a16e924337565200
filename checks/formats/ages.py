"""How long ago something was: the one measure by which a thing is judged by its age, and it refuses the future.

A time ahead of the clock is no young one: a clock was set back, a file was given a date, or a zone was read wrongly.
Compared as a number it would be less than every limit, and would stay so. So an `Ago` has no order of its own: it is
asked whether it is within a limit, which the future never is, or for itself, where it has been.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from runbook.model.outcome import Undetermined

SLACK = timedelta(minutes=1)
"""How far a time may be ahead of the clock that it is held against: two clocks are never quite the same."""


@dataclass(frozen=True)
class Ago:
    """How long ago something was, in seconds; negative where it is still to come."""

    seconds: float

    @property
    def in_future(self) -> bool:
        """It is ahead of the clock, by more than clocks differ."""
        return self.seconds < -SLACK.total_seconds()

    def less_than(self, limit: timedelta) -> bool:
        """Whether it was, and less than this long ago."""
        return not self.in_future and self.seconds < limit.total_seconds()

    def at_most(self, limit: timedelta) -> bool:
        """Whether it was, and at most this long ago."""
        return not self.in_future and self.seconds <= limit.total_seconds()

    def past(self, what: str) -> Ago:
        """The same, where it has been.

        Args:
            what: What it is the time of, as the beginning of a sentence.

        Raises:
            Undetermined: It is ahead of the clock.
        """
        if self.in_future:
            raise Undetermined(f"{what} is {self}: its time or the clock is wrong")
        return self

    def __str__(self) -> str:
        return f"{_spoken(abs(self.seconds))} {'ahead of the clock' if self.in_future else 'ago'}"


def ago(at: datetime, now: datetime) -> Ago:
    """How long before ``now`` this was."""
    return Ago((now - at).total_seconds())


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
