"""What ends a process from outside (Ctrl-C, SIGTERM, SIGHUP), and how little of it an ending may be disturbed by.

::

    signals_as_interrupts  the first signal is `Ended` in the main thread: whatever has to be closed is closed by the
                           `finally` that it passes. Those after it are swallowed for ENDING_SECONDS, which is longer
                           than an ending takes: people press Ctrl-C twice, and a terminal that goes sends SIGHUP twice.
    held                   no signal is an exception: what is done here is done whole
    deferred               the same, and what came meanwhile is `Ended` at the end

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


class Ended(KeyboardInterrupt):
    """A signal came that ends what is done.

    It has a name of its own: where Python meets a plain `KeyboardInterrupt` in a text that it runs (`exec`), it kills
    itself at its end by SIGINT, whatever the exit code is by then and whoever has caught it.
    """


@dataclass
class _Ending:
    """How far what `signals_as_interrupts` surrounds has come to its end.

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


def _end(number: int, _frame: FrameType | None) -> None:
    if _ending.take():
        raise Ended(f"ended by {signal.Signals(number).name}")


def may_come() -> None:
    """From now on, let each of these signals end this process as Ctrl-C does, until `may_come_no_more`."""
    for one in _not_ignored():
        signal.signal(one, _end)


def may_come_no_more() -> None:
    """The process ends with the code that it has: there is nothing left that a signal could end."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Let each of these signals end what is done here as Ctrl-C does; where one has, what is around it ends too."""
    global _ending

    around, _ending = _ending, _Ending()
    try:
        with handled_by(_end):
            yield
    finally:
        around.since, around.by_signal = _ending.since or around.since, around.by_signal or _ending.by_signal
        _ending = around


@contextmanager
def held() -> Iterator[None]:
    """Let none of these signals interrupt what is done here."""
    with handled_by(lambda _number, _frame: _ending.take()):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """Do this whole, then end where a signal came meanwhile.

    Raises:
        Ended: One did.
    """
    before = _ending.since
    with held():
        yield
    if _ending.since != before:
        raise Ended("ended by a signal")


def note() -> None:
    """A signal has come that some other handler has taken: what is done now is not ended by it, what comes after is."""
    _ending.take()


def has_begun() -> None:
    """The end has begun by itself: a signal that comes now has nothing left to end."""
    _ending.since = time.monotonic()


def end_if_a_signal_was_lost() -> None:
    """End after all where a signal came, and its exception was lost in a place from which none escapes.

    Raises:
        Ended: That is so.
    """
    if _ending.by_signal:
        raise Ended("ended by a signal")


def is_hurried() -> bool:
    """Whether a signal came to an end that had begun: what that only waits for is not worth the wait."""
    return _ending.hurried


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let this handler have these signals for a while; those that are ignored stay so."""
    if threading.current_thread() is not threading.main_thread():  # only that one is ever interrupted
        yield
        return
    before = {one: signal.getsignal(one) for one in _not_ignored()}
    try:
        for one in before:
            signal.signal(one, handler)
        yield
    finally:
        for one, earlier in before.items():
            signal.signal(one, earlier)


def _not_ignored() -> list[signal.Signals]:
    return [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
