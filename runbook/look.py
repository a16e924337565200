"""A look at a server at one time: it asks each question once and remembers what each check saw.

A check is a plain function from a `Look` to a frozen observation. Checks that are started together ask together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, overload

from runbook.observer import Observer, Told
from runbook.outcome import ReasonCode, Undetermined
from runbook.question import Command, Question
from runbook.target import Target
from runbook.workers import in_background

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

Check = Callable[["Look"], A]
"""A function that looks at the server and returns an observation."""

CEILING_SECONDS = 180.0
"""How long a look may take that is given no time of its own, but for the time in which a whole file is read there.

A healthy server needs some seconds; one on which each command hangs needs as long as that for each of them.
"""

AT_LEAST_SECONDS = 0.05
"""How long is waited until the clock is looked at again."""

OUT_OF_TIME = "no answer within the time that the whole look may take"

_looking: ContextVar[tuple[set[int], ...]] = ContextVar("looking", default=())


class Look:
    """One look through one observer.

    Args:
        observer: What asks.
        seconds: How long the whole look may take, from now on; None leaves it at `CEILING_SECONDS`, whole reads apart.
    """

    def __init__(self, observer: Observer, seconds: float | None = None) -> None:
        self._observer = observer
        self._clock = _Clock(CEILING_SECONDS if seconds is None else seconds, stands=seconds is None)
        self._lock = threading.Lock()
        self._asked: dict[Question[Any], Future[Told[Any]]] = {}
        self._seen: dict[Check[Any], Future[Any]] = {}
        self._rests_on: dict[Check[Any], set[int]] = {}

    def end_at(self, moment: float) -> None:
        """End the whole look at this moment of the monotonic clock: what has no answer then is undetermined."""
        self._clock.end_at(moment)

    @property
    def target(self) -> Target:
        """The server's facts."""
        return self._observer.target

    @overload
    def ask(self, one: Question[A], /) -> A: ...
    @overload
    def ask(self, one: Question[A], two: Question[B], /) -> tuple[A, B]: ...
    @overload
    def ask(self, one: Question[A], two: Question[B], three: Question[C], /) -> tuple[A, B, C]: ...
    @overload
    def ask(
        self, one: Question[A], two: Question[B], three: Question[C], four: Question[D], /
    ) -> tuple[A, B, C, D]: ...
    @overload
    def ask(self, *questions: Question[A]) -> tuple[A, ...]: ...

    def ask(self, *questions: Question[Any]) -> Any:
        """Put all these questions on the wire together and wait for the answers.

        Raises:
            Undetermined: One of them has no answer.
        """
        asked = [self._put(question) for question in questions]
        told = [self._told(one) for one in asked]
        for evidence in _looking.get():
            evidence.update(one.sequence for one in told)
        answers = tuple(one.required() for one in told)
        return answers[0] if len(answers) == 1 else answers

    def ask_each(self, questions: Iterable[Question[A]]) -> tuple[A, ...]:
        """The same for any number of questions of one kind, none among them."""
        listed = tuple(questions)
        answers: Any = self.ask(*listed) if listed else ()
        return (answers,) if len(listed) == 1 else answers

    def see(self, check: Check[A]) -> A:
        """What this check observes, asked once a look.

        Raises:
            Undetermined: It could not look.
        """
        with self._lock:
            seen = self._seen.get(check)
            mine = seen is None
            if seen is None:
                seen = self._seen[check] = Future()
                self._rests_on[check] = set()
        if mine:
            self._observe(check, seen)
        try:
            observation: A = seen.result()
            return observation
        finally:
            for evidence in _looking.get():
                evidence.update(self._rests_on[check])

    def start(self, checks: Iterable[Check[Any]]) -> None:
        """Start these checks at once, each in its own thread."""
        for check in checks:
            in_background(lambda check=check: self.see(check))  # type: ignore[misc]

    def evidence_of(self, check: Check[Any]) -> tuple[int, ...]:
        """The exchanges on which this check's observation rests, by sequence number."""
        return tuple(sorted(self._rests_on.get(check, ())))

    def _observe(self, check: Check[A], seen: Future[A]) -> None:
        before = _looking.get()
        _looking.set((*before, self._rests_on[check]))
        try:
            seen.set_result(check(self))
        except BaseException as error:
            seen.set_exception(error)
        finally:
            _looking.set(before)

    def _told(self, asked: Future[Told[A]]) -> Told[A]:
        while not asked.done():
            left = self._clock.left()
            if left <= 0:
                raise self._clock.over()
            wait([asked], max(left, AT_LEAST_SECONDS) if self._clock.stands else left)
        return asked.result()

    def _put(self, question: Question[A]) -> Future[Told[A]]:
        """Ask, unless it was asked before.

        Raises:
            Undetermined: The time is over, and nothing is asked any more.
        """
        with self._lock:
            asked = self._asked.get(question)
            if asked is None:
                if self._clock.left() <= 0:
                    raise self._clock.over()
                asked = self._asked[question] = self._observer.asked(question)
                if isinstance(question, Command) and question.lane == "slow":
                    self._clock.stand_until(asked)
            return asked


class _Clock:
    """How long a look may still take.

    Args:
        seconds: How long it may take from now on.
        stands: Whether this clock stands while something is read whole.
    """

    def __init__(self, seconds: float, *, stands: bool) -> None:
        self.stands = stands
        self._seconds = seconds
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._read = 0
        self._stands_since = 0.0
        self._stood = 0.0

    def end_at(self, moment: float) -> None:
        """Be over at this moment, whatever is read meanwhile."""
        self._seconds, self.stands = moment - self._began, False

    def left(self) -> float:
        """How many seconds are left; none, or fewer, when it is over."""
        with self._lock:
            now = time.monotonic()
            stood = self._stood + (now - self._stands_since if self._read else 0.0)
            return self._began + self._seconds + (stood if self.stands else 0.0) - now

    def over(self) -> Undetermined:
        """Why nothing is told any more."""
        return Undetermined(f"{OUT_OF_TIME} ({self._seconds:.3g} s)", code=ReasonCode.OUT_OF_TIME)

    def stand_until(self, read: Future[Any]) -> None:
        """Something is read whole until this has ended."""
        with self._lock:
            if self._read == 0:
                self._stands_since = time.monotonic()
            self._read += 1
        read.add_done_callback(self._has_been_read)

    def _has_been_read(self, _: Future[Any]) -> None:
        with self._lock:
            self._read -= 1
            if self._read == 0:
                self._stood += time.monotonic() - self._stands_since


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn an answer that cannot be read into `Undetermined`: what the server says is foreign input.

    Args:
        what: The thing that is read, as the beginning of a sentence.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise Undetermined(f"{what} could not be read: {type(error).__name__}: {error}") from None
