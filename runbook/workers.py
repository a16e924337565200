"""Threads that never keep the process from ending, and never more of them than were allowed.

Python's own pools wait for their threads at the end of the process; one of these may hang for as long as it likes.
Where this machine starts no further thread, the work is done by who asked for it: later, but nobody waits for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

A = TypeVar("A")


class Workers:
    """Up to so many threads, started as there is work and gone where there is none.

    What is put to them must not wait for anything else that is put to them.

    Args:
        at_once: How many there are at the most.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._work: deque[Callable[[], None]] = deque()
        self._running = 0

    def do(self, work: Callable[[], A], future: Future[A] | None = None) -> Future[A]:
        """Do it as soon as a thread is free; what comes of it comes through the future."""
        done: Future[A] = Future() if future is None else future
        with self._lock:
            self._work.append(partial(settle, done, work))
            one_more = self._running < self._at_once
            self._running += one_more
        if one_more:
            self._start()
        return done

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, daemon=True).start()
        except RuntimeError:  # can't start new thread
            with self._lock:
                others = self._running > 1
                self._running -= others
            if not others:
                self._run()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._work:
                    self._running -= 1
                    return
                work = self._work.popleft()
            work()


def in_background(work: Callable[[], A]) -> Future[A]:
    """Do it in a thread of its own."""
    return Workers(1).do(work)


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do it, and tell those who wait what came of it, whatever that is."""
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
