"""The object that a drill holds: it does declared acts, undo first, and looks again as often as it likes.

Only the interlock hands it out. An act runs in a session of its own on the run's line and is never begun twice. What
has been done is undone newest first, whatever ends the drill.
"""

from __future__ import annotations

import select
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runbook import journal
from runbook.act import Act
from runbook.evidence import Evidence
from runbook.journal import Undone, Whose
from runbook.look import Look
from runbook.observer import Observer
from runbook.outcome import Undetermined
from runbook.question import Output, facts_of
from runbook.record import Figure, Timeline
from runbook.target import Target

UNDO_SECONDS = 120.0
HOLD_SECONDS = 10.0
GRACE_SECONDS = 5.0
LINE_LOST = 255
"""What ssh itself ends with."""


@dataclass
class Operator:
    """Works on one server for one drill.

    Attributes:
        target: The server.
        whose: The drill, and who runs it.
        figures: What the drill has measured so far.
        timelines: What it has seen over time.
    """

    target: Target
    observer: Observer
    evidence: Evidence
    name_of: Callable[[Act], str]
    whose: Whose
    figures: list[Figure] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list)
    _entries: int = 0
    _holder: subprocess.Popen[bytes] | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> Look:
        """A new look: nothing that it says rests on an older one, nor that the Docker Engine gave no answer then."""
        self.observer.listen_anew()
        return Look(self.observer)

    def do(self, act: Act, stdin: bytes = b"") -> Output:
        """Do one act, its undo in the journal before it begins.

        Args:
            act: What to do.
            stdin: What the act reads; it is not recorded.

        Raises:
            Undetermined: The line was lost or the act took too long: how far it came is not known.
        """
        self._entries += 1
        facts = facts_of(self.target)
        name = self.name_of(act)
        script, undo = act.told(facts), act.undo_told(facts)
        begun = journal.registered(self._entries, name, undo, self.whose)
        return self._run(name, f"{begun} || exit\n{script}", script, act.seconds, stdin)

    def figure(self, name: str, value: str, *, objective: str | None = None, within: bool | None = None) -> None:
        """Keep one thing that was measured, for the report.

        Args:
            name: What it is, such as ``time to restore the database``.
            value: With its unit.
            objective: What the target or the feature asks for.
            within: Whether the objective was met; None where there is none.
        """
        self.figures.append(Figure(name=name, value=value, objective=objective, within=within))

    def hold(self) -> None:
        """Take the target's lock, make the journal's folder, and let the heart beat until `release`.

        Raises:
            Undetermined: It could not be taken.
        """
        self._run("journal.PREPARE", journal.PREPARE, journal.PREPARE, HOLD_SECONDS, journal.RECOVER.encode()).required(
            "the journal's folder"
        )
        holder = self.observer.connection.start(journal.HOLD)
        assert holder.stdout is not None
        answered, _, _ = select.select([holder.stdout], [], [], HOLD_SECONDS)
        if not answered or holder.stdout.readline().strip() != b"held":
            raise Undetermined(_why_not_held(holder, bool(answered)))
        self._holder = holder
        threading.Thread(target=self._beat, args=(holder,), daemon=True).start()

    def undo(self) -> tuple[Undone, ...]:
        """Undo all that is open, newest first.

        Raises:
            Undetermined: It could not be told what came of it; the journal is still on the server.
        """
        script = f"RUNBOOK_DRILL=1 {journal.FOLDER}/recover.sh"
        output = self._run("journal.RECOVER", script, script, UNDO_SECONDS, b"")
        try:
            return journal.read_recovery(output)
        except ValueError as error:
            raise Undetermined(f"the undo could not be read: {error}") from None

    def note_passed(self, scenario: str) -> None:
        """Note on the server that a scenario has passed, and with which backup: a later look rests on that.

        Raises:
            Undetermined: It could not be noted.
        """
        backup = next((one.value.partition(",")[0] for one in self.figures if one.name == "backup"), "-")
        script = journal.passed(scenario, backup)
        self._run("journal.passed", script, script, HOLD_SECONDS, b"").required("the note that the drill has passed")

    def release(self) -> None:
        """Give the lock back."""
        self._over.set()
        if self._holder is not None:
            assert self._holder.stdin is not None
            self._holder.stdin.close()
            try:
                self._holder.wait(HOLD_SECONDS)
            except subprocess.TimeoutExpired:
                self._holder.kill()

    def _beat(self, holder: subprocess.Popen[bytes]) -> None:
        assert holder.stdin is not None
        while not self._over.wait(journal.HEARTBEAT_SECONDS):
            try:
                holder.stdin.write(b"\n")
                holder.stdin.flush()
            except (OSError, ValueError):
                return  # the line is lost, or the lock given back: the next act or the undo says so

    def _run(self, name: str, script: str, shown: str, seconds: float, stdin: bytes) -> Output:
        started, clock = datetime.now(UTC), time.monotonic()
        output, error = self._ended(script, seconds, stdin)
        self.evidence.record(
            question=name,
            asked=shown,
            vantage="inside",
            started=started,
            seconds=time.monotonic() - clock,
            status=output.status if output else None,
            answer=output.out if output else "",
            errors=output.err if output else "",
            error=error,
        )
        if output is None:
            raise Undetermined(error or "")
        return output

    def _ended(self, script: str, seconds: float, stdin: bytes) -> tuple[Output | None, str | None]:
        process = self.observer.connection.start(script)
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except KeyboardInterrupt:
            _let_end(process)
            raise
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None, f"it did not end within {seconds:g} s; how far it came is not known"
        if process.returncode == LINE_LOST:
            return None, f"the line was lost; how far it came is not known ({err.decode(errors='replace').strip()})"
        return Output(process.returncode, out.decode(errors="replace"), err.decode(errors="replace")), None


def _why_not_held(holder: subprocess.Popen[bytes], answered: bool) -> str:
    if not answered:
        holder.kill()
    _, said = holder.communicate()
    if holder.returncode == journal.REFUSED:
        return "another drill holds the target's lock"
    if not answered:
        return f"the target's lock was not given within {HOLD_SECONDS:g} s"
    return f"the target's lock could not be taken: {said.decode(errors='replace').strip()}"


def _let_end(process: subprocess.Popen[bytes]) -> None:
    """An undo that ran beside its own act would be overtaken by it, so a short act is waited for."""
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(GRACE_SECONDS)
