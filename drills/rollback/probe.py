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
from collections.abc import Callable, Sequence
from contextlib import suppress

from drills.rollback.http_client import LEAVE_SECONDS, Cut, Edge, NoConnection, TooLong
from drills.rollback.samples import ANSWER_SECONDS, SLOW_ANSWER_SECONDS, Sample, Stream
from runbook.model.outcome import Undetermined
from runbook.model.target import Target

PER_SECOND = 52.0
"""Requests a second of all streams but the slow one."""

FRESH_PER_SECOND = 12.0
POSTS_PER_SECOND = 10.0
SLOW_EVERY_SECONDS = 2.0
MOST_UNDER_WAY = 400
END_SECONDS = SLOW_ANSWER_SECONDS + 2 * LEAVE_SECONDS + 5.0
"""How long its end may take: the slowest answer, leave of each connection, and a moment."""

MARK = "runbook-drill-"
"""Every token of a probe begins so."""


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
