"""What ends a process from outside (Ctrl-C, SIGTERM, SIGHUP), and how little of it an ending may be disturbed by.

::

    ended_by_exceptions   the first signal is a KeyboardInterrupt in the main thread: whatever has to be closed is
                          closed by the `finally` that it passes. Those after it are swallowed for ENDING_SECONDS,
                          which is longer than an ending takes: people press Ctrl-C twice, and a terminal that goes
                          sends SIGHUP twice.
    held                  no signal is an exception: what is done here is done whole
    deferred              the same, and what came meanwhile is a KeyboardInterrupt at the end

A signal that is ignored stays so: nohup means it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDING_SECONDS = 15.0


@dataclass
class _Ending:
    """How far what `ended_by_exceptions` surrounds has come to its end.

    Attributes:
        since: When the end began, by the monotonic clock: with a signal, or by itself.
        by_signal: Whether it was a signal.
        hurried: Whether one came after that.
    """

    since: float | None = None
    by_signal: bool = False
    hurried: bool = False

    def take(self) -> bool:
        """Take note of a signal; whether it is the one that ends."""
        now = time.monotonic()
        if self.since is not None and now - self.since <= ENDING_SECONDS:
            self.hurried = True
            return False
        self.since, self.by_signal = now, True
        return True


_ending = _Ending()


@contextmanager
def ended_by_exceptions() -> Iterator[None]:
    """Let each of these signals end what is done here as Ctrl-C does."""
    global _ending

    def end(_number: int, _frame: FrameType | None) -> None:
        if _ending.take():
            raise KeyboardInterrupt

    before, _ending = _ending, _Ending()
    try:
        with _handled_by(end):
            yield
    finally:
        _ending = before


@contextmanager
def held() -> Iterator[None]:
    """Let none of these signals interrupt what is done here."""
    with _handled_by(lambda _number, _frame: _ending.take()):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """Do this whole, then end where a signal came meanwhile.

    Raises:
        KeyboardInterrupt: One did.
    """
    before = _ending.since
    with held():
        yield
    if _ending.since != before:
        raise KeyboardInterrupt


def has_begun() -> None:
    """The end has begun by itself: a signal that comes now has nothing left to end."""
    _ending.since = time.monotonic()


def end_if_a_signal_was_lost() -> None:
    """End after all where a signal came, and its exception was lost in a place from which none escapes.

    Raises:
        KeyboardInterrupt: That is so.
    """
    if _ending.by_signal:
        raise KeyboardInterrupt


def is_hurried() -> bool:
    """Whether a signal came to an end that had begun: what that only waits for is not worth the wait."""
    return _ending.hurried


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only that one is ever interrupted
        yield
        return
    before = {one: signal.getsignal(one) for one in SIGNALS}
    ours = [one for one in SIGNALS if before[one] is not signal.SIG_IGN]
    try:
        for one in ours:
            signal.signal(one, handler)
        yield
    finally:
        for one in ours:
            signal.signal(one, before[one])
