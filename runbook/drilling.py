"""One drill at a time: from the interlock to the steady state after the undo, whatever happens between."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from runbook import person
from runbook.act import Act
from runbook.evidence import Evidence
from runbook.interlock import SteadyState, engage
from runbook.journal import Undone, Whose
from runbook.look import Look
from runbook.observer import Observer
from runbook.operator import Operator
from runbook.outcome import Differs, Undetermined
from runbook.target import Target

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
SETTLE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 1.0


class Stopped(Undetermined):
    """The operator has ended the drill between two of its sentences."""


@dataclass
class Drilling:
    """The drills of one run.

    Attributes:
        steady_state: What must be the same before and after each.
    """

    target: Target
    observer: Observer
    evidence: Evidence
    name_of: Callable[[Act], str]
    steady_state: Callable[[Look], SteadyState]
    _operator: Operator | None = None
    _before: SteadyState | None = None

    def operator(self, drill: str) -> Operator:
        """The operator of the drill that runs now; the first who asks engages the interlock.

        Args:
            drill: Its name, as whoever finds its journal is to read it.

        Raises:
            Refused: Something that a drill needs is missing; nothing was touched.
            Undetermined: It could not be told whether the drill may run.
        """
        if self._operator is None:
            whose = Whose(drill, f"{person.operator()}@{socket.gethostname()}", datetime.now(UTC))
            operator = Operator(self.target, self.observer, self.evidence, self.name_of, whose)
            self._before = engage(operator, self.steady_state)
            self._operator = operator
        return self._operator

    @property
    def current(self) -> Operator | None:
        """The operator of the drill that runs now, where the interlock has handed one out."""
        return self._operator

    def end(self, passed: str | None = None) -> None:
        """Undo what the drill has done, and see that the server is as before.

        Args:
            passed: The id of the scenario where all its sentences have passed, to be noted on the server.

        Raises:
            Differs: An undo failed, somebody interfered, or the steady state is another one.
        """
        operator, before = self._operator, self._before
        self._operator = self._before = None
        if operator is None or before is None:
            return
        with _not_interrupted():
            undone, wrong = self._undone(operator)
            wrong += [f"{one.word}: {one.entry} {one.said}".strip() for one in undone if one.word != "undone"]
            if not wrong:
                wrong += self._not_as(before, operator)
            if passed is not None and not wrong:
                operator.note_passed(passed)
            operator.release()
        if wrong:
            raise Differs(expected="the server as it was before the drill", seen="; ".join(wrong), go_to="3.1")

    def _undone(self, operator: Operator) -> tuple[tuple[Undone, ...], list[str]]:
        """What came of the undo; a lost line is taken up once more."""
        try:
            return operator.undo(), []
        except Undetermined:
            self.observer.reconnect()
        try:
            return operator.undo(), []
        except Undetermined as error:
            again = f"`runbook recover --target {self.target.name}` or recover.sh on the server"
            return (), [f"the undo has not run: {error}; {again} undoes what is open"]

    def _not_as(self, before: SteadyState, operator: Operator) -> list[str]:
        """What still differs once everything has had its time to come back."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                after = operator.look().see(self.steady_state)
                wrong = [*after.differs_from(before), *after.wrong]
            except Undetermined as error:
                wrong = [f"the steady state could not be told: {error}"]
            if not wrong or time.monotonic() > deadline:
                return wrong
            threading.Event().wait(LOOK_AGAIN_SECONDS)


@contextmanager
def ended_by_exceptions() -> Iterator[None]:
    """While drills run, SIGTERM and SIGHUP end them as Ctrl-C does: by way of the undo."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling(ENDINGS, end):
        yield


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """An undo is never skipped: whoever interrupts it is told so."""

    def tell(_number: int, _frame: FrameType | None) -> None:
        print("undoing what the drill has done; this is not skipped", flush=True)

    with _handling((signal.SIGINT, *ENDINGS), tell):
        yield


@contextmanager
def _handling(numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let this handler have these signals for a while."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
