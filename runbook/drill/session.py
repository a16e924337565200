"""One drill at a time: from the interlock to the steady state after the undo, whatever happens between."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from runbook.drill import journal
from runbook.drill.executor import DrillExecutor, NotGiven
from runbook.drill.interlock import SteadyState, acquire_lock, may_begin
from runbook.drill.journal import DrillOwner
from runbook.drill.journal.recovery_log import Recovery
from runbook.model.action import Action
from runbook.model.outcome import Mismatch, ReasonCode, Undetermined
from runbook.model.target import Target
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer
from runbook.observation.snapshot import Snapshot
from runbook.process import login_name, signals
from runbook.process.signals import Ended
from runbook.transport.connection_lost import ConnectionLost

LEFT_AT = 3
"""The interrupt at which an undo is left, that which ended the drill included."""

NOT_LOOKED = "the undo is done; whether the server is as before was not checked"
SETTLE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 1.0


class Stopped(Undetermined):
    """The operator has ended the drill between two of its sentences."""


@dataclass
class DrillSession:
    """The drills of one run.

    Attributes:
        steady_state: What must be the same before and after each.
        given: How the run was told of the target, for the sentences that say how to recover.
        screen: The file descriptor to which an interrupted undo speaks.
    """

    target: Target
    observer: Observer
    evidence: Evidence
    name_of: Callable[[Action], str]
    steady_state: Callable[[Snapshot], SteadyState]
    given: str = ""
    screen: int = 2
    _is_undone: bool = False
    _operator: DrillExecutor | None = None
    _before: SteadyState | None = None

    def executor(self, drill: str) -> DrillExecutor:
        """The executor of the drill that runs now; the first who asks engages the interlock.

        Args:
            drill: Its name, as whoever finds its journal is to read it.

        Raises:
            Refused: Something that a drill needs is missing; nothing was touched.
            Undetermined: It could not be told whether the drill may run.
        """
        if self._operator is None:
            owner = DrillOwner(drill, f"{login_name.operator()}@{socket.gethostname()}", datetime.now(UTC))
            executor = DrillExecutor(self.target, self.observer, self.evidence, self.name_of, owner)
            before = may_begin(executor.snapshot(), self.steady_state, self.given)
            with signals.deferred():  # who holds the server is to be undone and released, whatever comes then
                acquire_lock(executor)
                self._operator, self._before = executor, before
        return self._operator

    @property
    def current(self) -> DrillExecutor | None:
        """The executor of the drill that runs now, where the interlock has handed one out."""
        return self._operator

    def end(self, passed: str | None = None) -> None:
        """Undo what the drill has done, and see that the server is as before.

        Args:
            passed: The id of the scenario where all its sentences have passed, to be noted on the server.

        Raises:
            Mismatch: An undo failed, somebody interfered, or the steady state is another one.
        """
        if self._operator is None or self._before is None:
            return
        self._is_undone = False
        with self._not_interrupted(isinstance(sys.exc_info()[1], KeyboardInterrupt)):
            executor, before = self._operator, self._before
            self._operator = self._before = None
            try:
                wrong = self._undone(executor)
                self._is_undone = True
                wrong = wrong or self._not_as(before, executor)
                if passed is not None and not wrong:
                    executor.record_pass(passed)
            except KeyboardInterrupt:
                executor.abandon()
                raise
            except BaseException:
                executor.release()
                raise
            executor.release()
        if wrong:
            raise Mismatch(expected="the server as it was before the drill", actual="; ".join(wrong), section="3.1")

    def _undone(self, executor: DrillExecutor) -> list[str]:
        """What is wrong with the undo; a lost line is taken up once more."""
        let_be: tuple[str, ...] = ()
        try:
            undone = executor.undo()
        except Undetermined:
            executor.reconnect()
            try:
                undone, let_be = self._undone_at_last(executor), executor.let_be()
            except Undetermined as error:
                return [f"the undo has not run: {error}; {self._how_to_recover()}"]
        wrong = [str(one) for one in undone.entries if one.status != "undone"]
        untold = set(let_be) - {one.entry for one in undone.entries}
        wrong += [f"interfered: {entry} (why was said to the connection that was lost)" for entry in sorted(untold)]
        if undone.ended_before:
            wrong.append("somebody else has ended this drill with a recovery, and undone what was open then")
        return wrong

    def _undone_at_last(self, executor: DrillExecutor) -> Recovery:
        """The undo on a new line, once that which was begun on the lost one has come to its end on the server."""
        deadline = time.monotonic() + executor.undo_seconds
        while True:
            try:
                return executor.undo()
            except NotGiven as error:
                if error.code is not ReasonCode.RECOVERY_UNDER_WAY or time.monotonic() > deadline:
                    raise

    def _how_to_recover(self) -> str:
        target = shlex.quote(self.given or self.target.name)
        return f"`runbook recover --target {target}` or {journal.FOLDER}/recover.sh on the server undoes what is open"

    def _not_as(self, before: SteadyState, executor: DrillExecutor) -> list[str]:
        """What still differs once everything has had its time to come back.

        Raises:
            Undetermined: It could not be told; a lost line is taken up once more.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        has_reconnected = False
        while True:
            untold: Undetermined | None = None
            wrong: list[str] = []
            try:
                after = executor.snapshot().observe(self.steady_state)
                wrong = [*after.differs_from(before), *after.wrong]
                if not wrong:
                    return []
            except ConnectionLost as error:
                untold = error
                if not has_reconnected:
                    has_reconnected = True
                    executor.reconnect()
            except Undetermined as error:
                untold = error
            if time.monotonic() > deadline:
                if untold is not None:
                    raise Undetermined(f"whether the server is as before the drill could not be determined: {untold}")
                return wrong
            threading.Event().wait(LOOK_AGAIN_SECONDS)

    @contextmanager
    def _not_interrupted(self, interrupted: bool) -> Iterator[None]:
        """An undo is not skipped by whoever interrupts it once or twice; the third time it is left.

        A handler may come at any point, so it raises nothing but at the third time, and its words go past all buffers:
        the screen may be gone, and a terminal that closes sends its signal twice.

        Args:
            interrupted: Whether an interrupt has begun the undo; that is the first one then.
        """

        def say(sentence: str) -> None:
            with suppress(OSError):
                os.write(self.screen, f"{sentence}\n".encode())

        interrupts = [interrupted]

        def tell(_number: int, _frame: FrameType | None) -> None:
            interrupts.append(True)
            signals.note()
            if sum(interrupts) < LEFT_AT:
                say("undoing what the drill has done; this is not skipped (a third interrupt leaves it)")
                return
            sentence = NOT_LOOKED if self._is_undone else f"the undo was left: {self._how_to_recover()}"
            say(sentence)
            raise Ended(sentence)

        with signals.handled_by(tell):
            yield
