"""Threads that never keep the process from ending, and never more of them than were allowed.

Python's own pools wait for their threads at the end of the process; one of these may hang for as long as it likes.
Where this machine starts no further thread, nobody waits for one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from runbook.model.outcome import Undetermined

A = TypeVar("A")
NO_THREAD = "this machine starts no further thread"


class Workers:
    """Up to so many threads, started as there is work and gone where there is none.

    What is put to them must not wait for anything else that is put to them.

    Args:
        at_once: How many there are at the most.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._work: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._running = 0

    def do(self, work: Callable[[], A], future: Future[A] | None = None) -> Future[A]:
        """Do it as soon as a thread is free.

        What comes of it comes through the future; where there is no thread at all, that it is `Undetermined`.
        """
        done: Future[A] = Future() if future is None else future
        with self._lock:
            self._work.append((done, work))
            if self._running < self._at_once:
                self._one_more()
            given_up = () if self._running else tuple(self._work)
            if given_up:
                self._work.clear()
        for waiting, _ in given_up:
            waiting.set_exception(Undetermined(NO_THREAD))
        return done

    def _one_more(self) -> None:
        with suppress(RuntimeError):  # can't start new thread: those that stand do it
            threading.Thread(target=self._run, daemon=True).start()
            self._running += 1

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._work:
                    self._running -= 1
                    return
                future, work = self._work.popleft()
            settle(future, work)


def in_background(work: Callable[[], A]) -> Future[A]:
    """Do it in a thread of its own, or at once where there is none."""
    future: Future[A] = Future()
    try:
        threading.Thread(target=settle, args=(future, work), daemon=True).start()
    except RuntimeError:  # can't start new thread
        settle(future, work)
    return future


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do it, and tell those who wait what came of it, whatever that is."""
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
