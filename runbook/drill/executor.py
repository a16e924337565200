"""The object that a drill holds: it does declared acts, undo first, and looks again as often as it likes.

Only the interlock hands it out. An act runs in a session of its own on the run's line and is never begun twice. What
has been done is undone newest first, whatever ends the drill. How a server is held, and what fences an executor off
that has lost it, stands in `runbook.drill.journal`.
"""

from __future__ import annotations

import os
import secrets
import select
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runbook.drill import journal
from runbook.drill.journal import DrillOwner, recovery_log
from runbook.drill.journal.recovery_log import Recovery
from runbook.model.action import Action
from runbook.model.outcome import ReasonCode, Undetermined
from runbook.model.question import Output
from runbook.model.record import Measurement, Timeline
from runbook.model.target import Target
from runbook.model.template import template_values
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer
from runbook.observation.snapshot import Snapshot
from runbook.process import communicate
from runbook.process.communicate import TooLate, TooMuch
from runbook.process.daemon_threads import NO_THREAD
from runbook.transport.ssh import LINE_LOST

HOLD_SECONDS = 60.0
"""Until the server is held: its locks may be waited for twice, and recover.sh runs once."""

SHORT_SECONDS = 10.0
BEYOND_SECONDS = 20.0
"""How much longer than the server itself an act is waited for here: for the line, the lock and the disk."""

OVERDUE = (124, 137)
"""What `timeout` ends with where it has ended the act, by the first or the second signal."""

UNKNOWN = "how far it got is not known"


class NotGiven(Undetermined):
    """The server itself has refused this drill something, and says why."""


@dataclass
class DrillExecutor:
    """Works on one server for one drill.

    Attributes:
        target: The server.
        owner: The drill, and who runs it.
        figures: What the drill has measured so far.
        timelines: What it has seen over time.
        backup: The name of the backup that the drill is about; None where it is about none.
        generation: The word under which it holds the server.
    """

    target: Target
    observer: Observer
    evidence: Evidence
    name_of: Callable[[Action], str]
    owner: DrillOwner
    figures: list[Measurement] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list)
    backup: str | None = None
    generation: str = field(default_factory=lambda: secrets.token_hex(8))
    _registered: list[float] = field(default_factory=list)
    _heart: subprocess.Popen[bytes] | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def snapshot(self) -> Snapshot:
        """A new look: nothing that it says rests on an older one, nor that the Docker Engine gave no answer then."""
        self.observer.reset_breaker()
        return Snapshot(self.observer)

    def do(self, act: Action, stdin: bytes = b"") -> Output:
        """Do one act, its undo in the journal before it begins.

        Args:
            act: What to do.
            stdin: What the act reads; it is not recorded.

        Raises:
            Undetermined: It was not begun, since this drill no longer holds the server; or the line was lost or the act
                took too long, and how far it came is not known.
        """
        if self._heart is not None and self._heart.poll() is not None:
            raise Undetermined("the heartbeat of this drill has stopped, so no act of it begins")
        facts = template_values(self.target)
        name = self.name_of(act)
        script, undo = act.render(facts), act.render_undo(facts)
        self._registered.append(act.undo_seconds)
        clock = time.monotonic()
        begun = journal.acted(self.generation, len(self._registered), name, act, script, undo, self.owner)
        output = self._run(name, begun, script, act.seconds + BEYOND_SECONDS, stdin)
        if output.status in OVERDUE and time.monotonic() - clock >= act.seconds:
            raise Undetermined(f"it did not end within {act.seconds:g} s; {UNKNOWN}")
        return output

    def measure(self, name: str, value: str, *, objective: str | None = None, within: bool | None = None) -> None:
        """Keep one thing that was measured, for the report.

        Args:
            name: What it is, such as ``time to restore the database``.
            value: With its unit.
            objective: What the target or the feature asks for.
            within: Whether the objective was met; None where there is none.
        """
        self.figures.append(Measurement(name=name, value=value, objective=objective, within=within))

    def acquire_lock(self) -> None:
        """Take the server and let the heart beat until `release`.

        Raises:
            NotGiven: Somebody else has it.
            Undetermined: It could not be told whether it was taken.
        """
        script = journal.held(self.generation)
        try:
            told = self._run("journal.HOLD", script, script, HOLD_SECONDS, journal.recover_sh().encode())
            told.required("the journal")
            self._let_beat()
        except NotGiven:
            raise
        except BaseException:
            self.release()
            raise

    def undo(self) -> Recovery:
        """Undo all that this drill has done, newest first.

        Raises:
            Undetermined: It could not be told what came of it; the journal is still on the server.
        """
        script = journal.recovery(self.generation)
        output = self._run("journal.RECOVER", script, script, self.undo_seconds, b"", recovery_log.seconds_in)
        try:
            return recovery_log.read_recovery(output)
        except ValueError as error:
            raise Undetermined(f"the undo could not be read: {error}") from None

    @property
    def undo_seconds(self) -> float:
        """How long the undo may take, waiting for an act that has begun included."""
        return journal.recovery_seconds(self._registered)

    def let_be(self) -> tuple[str, ...]:
        """The entries of this drill of which an undo has found somebody else's change.

        Raises:
            Undetermined: They could not be told.
        """
        script = journal.let_be(self.generation)
        return self._run("journal.let_be", script, script, SHORT_SECONDS, b"").required("what was left alone").lines

    def record_pass(self, scenario: str) -> None:
        """Note on the server that a scenario has passed, and with which backup: a later look rests on that.

        Raises:
            Undetermined: It could not be noted.
        """
        script = journal.passed(scenario, self.backup or "-")
        self._run("journal.passed", script, script, SHORT_SECONDS, b"").required("the note that the drill has passed")

    def release(self) -> None:
        """Give the server back; where it cannot be reached, it falls back by itself as soon as the heart is missed."""
        self._over.set()
        script = journal.released(self.generation)
        with suppress(Undetermined):
            self._run("journal.RELEASE", script, script, SHORT_SECONDS, b"")
        self._stop_beating(SHORT_SECONDS)

    def abandon(self) -> None:
        """Leave the server as it is, and wait for nothing: what is open there is undone by a recovery."""
        self._over.set()
        self._stop_beating(0)

    def reconnect(self) -> None:
        """Take a new line in place of a lost one. An undo needs no heart, and no act is begun any more."""
        self._stop_beating(0)
        self.observer.reconnect()

    def _let_beat(self) -> None:
        heart = self.observer.connection.start(journal.beating(self.generation))
        assert heart.stdout is not None
        answered, _, _ = select.select([heart.stdout], [], [], HOLD_SECONDS)
        if not answered or b"beating" not in os.read(heart.stdout.fileno(), 4096):
            raise Undetermined(_why_not(heart, bool(answered)))
        try:
            threading.Thread(target=self._beat, args=(heart,), daemon=True).start()
        except RuntimeError:
            communicate.end(heart)
            raise Undetermined(NO_THREAD) from None
        self._heart = heart

    def _beat(self, heart: subprocess.Popen[bytes]) -> None:
        assert heart.stdin is not None
        while not self._over.wait(journal.HEARTBEAT_SECONDS):
            try:
                heart.stdin.write(b"b")
                heart.stdin.flush()
            except (OSError, ValueError):
                return  # the line is lost, or the server was given back: the next act or the undo says so

    def _stop_beating(self, grace_seconds: float) -> None:
        heart, self._heart = self._heart, None
        if heart is not None:
            assert heart.stdin is not None
            with suppress(OSError):  # a lost line
                heart.stdin.close()
            communicate.end(heart, grace_seconds)

    def _run(
        self,
        name: str,
        script: str,
        shown: str,
        seconds: float,
        stdin: bytes,
        heard: Callable[[str], float | None] = lambda _: None,
    ) -> Output:
        started, clock = datetime.now(UTC), time.monotonic()
        output, error = None, f"it was interrupted; {UNKNOWN}"
        try:
            output, error = self._ended(script, seconds, stdin, heard)
        finally:
            self.evidence.record(
                question=name,
                asked=shown,
                vantage="inside",
                started=started,
                seconds=time.monotonic() - clock,
                status=output.status if output else None,
                answer=output.out if output else "",
                errors=output.err if output else "",
                error=error or None,
            )
        if output is None:
            raise Undetermined(error)
        if refused := journal.refusal(output):
            code = ReasonCode.RECOVERY_UNDER_WAY if output.status == journal.BUSY else None
            raise NotGiven(refused, code=code)
        return output

    def _ended(
        self, script: str, seconds: float, stdin: bytes, heard: Callable[[str], float | None]
    ) -> tuple[Output | None, str]:
        try:
            process = self.observer.connection.start(script)
            out, err = communicate.whole(process, stdin, seconds, heard)
        except TooLate:
            return None, f"it did not end within {seconds:g} s; {UNKNOWN}"
        except TooMuch as error:
            return None, f"{error}; {UNKNOWN}"
        except Undetermined as error:
            return None, str(error)
        if process.returncode == LINE_LOST:
            return None, f"the connection was lost; {UNKNOWN} ({err.strip()})"
        return Output(process.returncode, out, err), ""


def _why_not(heart: subprocess.Popen[bytes], answered: bool) -> str:
    if not answered:
        communicate.end(heart)
        return f"the server was not given within {HOLD_SECONDS:g} s"
    try:
        out, err = communicate.whole(heart, b"", SHORT_SECONDS)
    except (TooLate, TooMuch):
        return "the server could not be held, and did not say why"
    refused = journal.refusal(Output(heart.returncode, out, err))
    return refused or f"the server could not be held: {err.strip() or out.strip()}"
