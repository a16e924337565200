"""An open-loop probe: requests leave by the clock, whatever has become of those before them.

A request is sent at its time and its latency is counted from that time, so that a server that stalls is seen to. None
is ever sent twice. The health path is never asked: the proxy itself answers that one while a service is paused.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from drills.exchange import LEAVE_SECONDS, Cut, Edge, NoConnection, TooLong
from runbook.outcome import Undetermined
from runbook.record import Series, Timeline
from runbook.target import Target

PER_SECOND = 52.0
"""Requests a second of all streams but the slow one."""

FRESH_PER_SECOND = 12.0
POSTS_PER_SECOND = 10.0
SLOW_EVERY_SECONDS = 2.0
ANSWER_SECONDS = 10.0
SLOW_ANSWER_SECONDS = 30.0
MOST_UNDER_WAY = 400
END_SECONDS = SLOW_ANSWER_SECONDS + 2 * LEAVE_SECONDS + 5.0
"""How long its end may take: the slowest answer, leave of each connection, and a moment."""

BINS_AT_MOST = 120
MARK = "runbook-drill-"
"""Every token of a probe begins so."""

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


def streams_of(target: Target) -> tuple[Stream, ...]:
    """What a probe of this target sends: what the target names no path for is left out.

    Raises:
        Undetermined: It names no page that reads the database, without which a probe says nothing.
    """
    asked, page = target.probe, target.edge.database_page
    if page is None:
        raise Undetermined("the target names no page that reads the database (key edge.database_page)")
    posts = POSTS_PER_SECOND if asked.post_path else 0.0
    kept = PER_SECOND - FRESH_PER_SECOND - posts
    found = [
        Stream("connections kept", page, kept),
        Stream("a fresh connection each", page, FRESH_PER_SECOND, fresh=True, phase=0.007),
    ]
    if asked.post_path:
        found.append(Stream("a token each", asked.post_path, posts, posts=True, phase=0.013))
    if asked.slow_page:
        found.append(Stream("slow", asked.slow_page, 1 / SLOW_EVERY_SECONDS, slow=True, phase=0.017))
    return tuple(found)


class Probe:
    """Asks a target's edge by the clock, in a thread of its own, from `start` to `end`.

    Attributes:
        streams: What it sends.
        mark: What the tokens of its POSTs begin with, and nobody else's do.
    """

    def __init__(self, target: Target) -> None:
        self.streams = streams_of(target)
        self.mark = f"{MARK}{secrets.token_hex(8)}-"
        self._target = target
        self._edge = Edge(target)
        self._samples: list[Sample] = []
        self._news = threading.Condition()
        self._under_way: dict[asyncio.Task[None], Stream] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0
        self._no_more_posts = False
        self._over = asyncio.Event()
        self._may_begin = True

    def start(self) -> None:
        """Send from now on."""
        self._thread.start()

    def clock(self) -> float:
        """Seconds since it began to send."""
        return self._now() if self._began else 0.0

    def samples(self, since: int = 0) -> tuple[Sample, ...]:
        """What is known so far, in the order in which it became known, but for the first ``since``."""
        with self._news:
            return tuple(self._samples[since:])

    def wait_until(self, holds: Callable[[Sequence[Sample]], bool], seconds: float) -> bool:
        """Wait until this holds of what became known from now on; whether it did within the time."""
        with self._news:
            begun = len(self._samples)
            return self._news.wait_for(lambda: holds(self._samples[begun:]), seconds)

    def post_no_more(self) -> None:
        """Send no POST from now on, and wait until those under way have ended."""
        self._no_more_posts = True
        with self._news:
            self._news.wait_for(lambda: not any(one.posts for one in tuple(self._under_way.values())), ANSWER_SECONDS)

    def end(self) -> tuple[Sample, ...]:
        """Send no more, wait for the answers that are still to come, and return all that is known."""
        self._may_begin = False
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._over.set)
        if self._thread.is_alive():
            self._thread.join(END_SECONDS)
        return self.samples()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self._may_begin:  # it was ended before it came to see that it can be told so
            return
        self._began = self._loop.time()  # the monotonic clock's
        for stream in self.streams:
            self._loop.call_at(self._began + stream.due(0), self._tick, stream, 0)
        await self._over.wait()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=SLOW_ANSWER_SECONDS)
        await self._edge.close()

    def _tick(self, stream: Stream, number: int) -> None:
        """Send one request, and be back when the next one is due; one that is overdue leaves at once."""
        assert self._loop is not None
        if self._over.is_set() or (stream.posts and self._no_more_posts):
            return
        self._loop.call_at(self._began + stream.due(number + 1), self._tick, stream, number + 1)
        if len(self._under_way) >= MOST_UNDER_WAY:
            self._keep(Sample(stream, stream.due(number), None, self._now(), failure="too many in progress"))
            return
        task = self._loop.create_task(self._send(stream, number))
        self._under_way[task] = stream
        task.add_done_callback(self._has_ended)

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        with self._news:
            del self._under_way[task]
            self._news.notify_all()

    async def _send(self, stream: Stream, number: int) -> None:
        due, sent = stream.due(number), self._now()
        token = {self._target.probe.post_column: f"{self.mark}{number}"}
        method, body = ("POST", json.dumps(token).encode()) if stream.posts else ("GET", b"")
        failure: str | None = None
        timed_out = False
        try:
            async with asyncio.timeout(stream.answer_seconds):
                answer = await self._edge.ask(method, stream.path, body, fresh=stream.fresh)
        except TimeoutError:
            failure, timed_out = "no answer in time", True
        except NoConnection:
            failure = "no TLS connection"
        except Cut:
            failure = "cut before its answer"
        except TooLong as error:
            failure = str(error)
        except Exception as error:  # whatever else it is, a request that was sent is in one of the counts
            failure = f"{type(error).__name__}: {error}"
        if failure is not None:
            self._keep(Sample(stream, due, sent, self._now(), failure=failure, timed_out=timed_out))
            return
        release = answer.headers.get(self._target.probe.version_header.lower())
        self._keep(Sample(stream, due, sent, self._now(), answer.status, release=release))

    def _keep(self, sample: Sample) -> None:
        with self._news:
            self._samples.append(sample)
            self._news.notify_all()

    def _now(self) -> float:
        return time.monotonic() - self._began


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
