"""What became of the probe's requests, one by one and in sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from runbook.model.record import Series, Timeline

ANSWER_SECONDS = 10.0
SLOW_ANSWER_SECONDS = 30.0

BINS_AT_MOST = 120

LATE_MS = 1000.0
"""A probe that sent a request so late was not given its turn: what it missed then says nothing of the server."""


@dataclass(frozen=True)
class Stream:
    """One kind of request, sent by the clock.

    Attributes:
        name: In an operator's words.
        fresh: Each on a connection of its own, with its own handshake; else on connections that are kept.
        posts: Each is a POST of a token that is used once.
        slow: Its answer takes some seconds.
        phase: When the first one is due, in seconds.
    """

    name: str
    path: str
    per_second: float
    fresh: bool = False
    posts: bool = False
    slow: bool = False
    phase: float = 0.0

    @property
    def answer_seconds(self) -> float:
        """After how many seconds a request counts as lost."""
        return SLOW_ANSWER_SECONDS if self.slow else ANSWER_SECONDS

    def due(self, number: int) -> float:
        """When a request is to leave, in seconds since the probe began."""
        return self.phase + number / self.per_second

    def __str__(self) -> str:
        return f"{'POST' if self.posts else 'GET'} {self.path}, {self.name}, {self.per_second:g} a second"


@dataclass(frozen=True)
class Sample:
    """One request. Times are in seconds since the probe began.

    Attributes:
        due: When it was to leave.
        sent: When it left; None where it was not sent.
        done: When its answer was there, or it was clear that there would be none.
        code: The answer's HTTP status; None where there was no answer.
        failure: Why there was no answer; None where there was one.
        release: The version that the answer names; None where it names none.
        timed_out: Whether there was no answer in the time that one may take.
    """

    stream: Stream
    due: float
    sent: float | None
    done: float
    code: int | None = None
    failure: str | None = None
    release: str | None = None
    timed_out: bool = False

    @property
    def served(self) -> bool:
        """It was answered, and with success."""
        return self.code is not None and 200 <= self.code < 300

    @property
    def latency(self) -> float:
        """From when it was to leave until its end, in seconds."""
        return self.done - self.due


@dataclass(frozen=True)
class Summary:
    """What a probe saw.

    Attributes:
        ends: How the requests ended that were sent: by HTTP status, or by why there was no answer.
        timed_out: Of those lost, how many had no answer in time.
        latencies_ms: Of those served, the slow ones apart: the median, the 95th and the 99th of a hundred, the longest.
        longest_gap_ms: The longest time without an answer of success, the slow ones apart.
        resolution_ms: A gap shorter than this may not have been seen.
        lag_ms: How late the probe itself sent a request at the most.
    """

    sent: int
    lost: int
    unsent: int
    ends: dict[str, int]
    timed_out: int
    latencies_ms: tuple[float, float, float, float] | None
    longest_gap_ms: float | None
    resolution_ms: float
    lag_ms: float

    @property
    def doubtful(self) -> bool:
        """Whether what is lost may be the probe's own fault: it was late itself, and only waited for too long."""
        return self.unsent + self.lost > 0 and self.lag_ms > LATE_MS and self.lost == self.timed_out


def summary(samples: Iterable[Sample]) -> Summary:
    """Count what a probe saw."""
    every = sorted(samples, key=lambda one: one.due)
    sent = [one for one in every if one.sent is not None]
    served = [one for one in sent if one.served and not one.stream.slow]
    arrivals = sorted(one.done for one in served)
    rate = sum(one.per_second for one in {one.stream for one in every} if not one.slow)
    return Summary(
        sent=len(sent),
        lost=sum(not one.served for one in sent),
        unsent=len(every) - len(sent),
        ends=dict(sorted(Counter(str(one.code) if one.code else one.failure or "no answer" for one in sent).items())),
        timed_out=sum(one.timed_out for one in sent),
        latencies_ms=_latencies(sorted(1000 * one.latency for one in served)),
        longest_gap_ms=max((1000 * (after - before) for before, after in pairwise(arrivals)), default=None),
        resolution_ms=1000 / rate if rate else 0.0,
        lag_ms=max((1000 * (one.sent - one.due) for one in sent if one.sent is not None), default=0.0),
    )


def timeline(title: str, samples: Iterable[Sample]) -> Timeline:
    """Which release answered the requests of which time, and which requests were lost or left unsent."""
    every = tuple(samples)
    seconds = max((one.due for one in every), default=0.0)
    width = next(one for one in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, max(20.0, seconds)) if seconds <= one * BINS_AT_MOST)
    bins = int(seconds / width) + 1
    served: dict[str, list[int]] = {}
    lost = [0] * bins
    for one in sorted(every, key=lambda one: one.due):
        counts = served.setdefault(one.release or "no release named", [0] * bins) if one.served else lost
        counts[int(one.due / width)] += 1
    releases = [Series(name=name, counts=tuple(counts), lost=False) for name, counts in served.items()]
    failed = Series(name="lost", counts=tuple(lost), lost=True)
    return Timeline(title=title, bin_seconds=width, series=(*releases, failed))


def changeover_ms(samples: Iterable[Sample], away: str, to: str, since: float, until: float) -> float | None:
    """For how many ms both releases answered: from the first answer of one until the last of the other.

    Args:
        away: The release that traffic is led away from.
        to: The one that it is led to.
        since: From when on, in seconds since the probe began; ``until`` is the same for the end.
    """
    quick = [one for one in samples if one.served and not one.stream.slow and since <= one.done < until]
    first = min((one.done for one in quick if one.release == to), default=None)
    last = max((one.done for one in quick if one.release == away), default=None)
    return None if first is None else max(0.0, 1000 * ((last or first) - first))


def _latencies(ordered: Sequence[float]) -> tuple[float, float, float, float] | None:
    if not ordered:
        return None
    return _of_hundred(ordered, 50), _of_hundred(ordered, 95), _of_hundred(ordered, 99), ordered[-1]


def _of_hundred(ordered: Sequence[float], part: int) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    return ordered[max(0, ceil(len(ordered) * part / 100) - 1)]
