"""An engine that takes what it is asked and gives no answer: once that is known, nobody waits for it any longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from runbook.model.outcome import Undetermined

A = TypeVar("A")


class CircuitBreaker:
    """Whether an engine is known to be silent, and who waits for it meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # what is heard at once is heard under it
        self._known: Undetermined | None = None
        self._waiting: set[Future[Any]] = set()

    def check(self) -> None:
        """Go on where the engine is not known to be silent.

        Raises:
            Undetermined: It is.
        """
        if self._known is not None:
            raise self._known

    def trip(self, error: Undetermined) -> None:
        """Tell all who wait, and all who ask from now on, that it gives no answer."""
        with self._lock:
            self._known = self._known or error
            for one in self._waiting:
                one.set_exception(self._known)
            self._waiting.clear()

    def call(self, begin: Callable[[], Future[A]]) -> Future[A]:
        """What comes of this, or that the engine is silent, whichever is known first; if it is, none begins."""
        heard: Future[A] = Future()
        if self._known is None:
            running = begin()
            with self._lock:
                if self._known is None:
                    self._waiting.add(heard)
                    running.add_done_callback(lambda ended: self._hear(heard, ended))
                    return heard
        heard.set_exception(self._known)
        return heard

    def _hear(self, heard: Future[A], ended: Future[A]) -> None:
        with self._lock:
            if heard not in self._waiting:
                return
            self._waiting.remove(heard)
        error = ended.exception()
        if error is None:
            heard.set_result(ended.result())
        else:
            heard.set_exception(error)
