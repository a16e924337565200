"""One run over the scenarios of one target: what is needed to look, and what has come of it so far."""

from __future__ import annotations

import platform
import shlex
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Literal, TypeVar, get_args

from runbook import __version__
from runbook.drill import journal
from runbook.model.exits import COMPLIANT, Event, exit_code
from runbook.model.outcome import Outcome, Undetermined
from runbook.model.question import Output
from runbook.model.record import Control, OpenJournal, Origin, Override, Run, Scenario, Server
from runbook.model.recorded import sound
from runbook.model.target import Target
from runbook.model.verdict import is_gating
from runbook.observation.catalogue import Catalogue
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer, in_background
from runbook.observation.redaction import Redactor
from runbook.observation.snapshot import Snapshot, reading
from runbook.process import login_name, private_files, signals
from runbook.suite.checkout import Checkout, checkout

Kind = Literal["verify", "triage", "gate", "drill", "rehearse"]
KINDS: tuple[Kind, ...] = get_args(Kind)
GATE_SECONDS = 50.0
"""How long the look before a deploy may take: with the start and the report it is a minute at the most."""

LAST_ANSWERS_SECONDS = 20.0
"""How long the end of a run waits for what it still has to say of the server, and of this checkout."""

AT_ONCE_SECONDS = 0.2
"""The same where a person waits: what is not there by then is not known."""

A = TypeVar("A")


@dataclass
class ActiveRun:
    """A run under way. Its folder is made with it; the evidence is written there as it happens.

    Attributes:
        folder: Where the record goes; its name is the run's, whether it could be made or not.
        unwritable: Why no folder could be made; the run then goes on without one, and says so at its end.
        own_faults: What broke of the suite beside its scenarios, one sentence each.
    """

    target: Target
    kind: Kind
    folder: Path
    redactor: Redactor
    evidence: Evidence
    observer: Observer
    snapshot: Snapshot
    checkout: Future[Checkout]
    started: datetime
    collected: int
    selected: int
    override: Override | None = None
    unwritable: str | None = None
    journal: OpenJournal | None = None
    scenarios: list[Scenario] = field(default_factory=list)
    events: set[Event] = field(default_factory=set)
    own_faults: list[str] = field(default_factory=list)
    _hung_up: bool = False

    def exit_code(self) -> int:
        """The run's exit code as it stands."""
        deciding = [scenario for scenario in self.scenarios if is_gating(self.kind, scenario)]
        happened: set[Outcome | Event] = {*self.events, *map(self._counts_as, deciding)}
        if any(scenario.own_fault for scenario in deciding):
            happened.add(Event.INTERNAL_ERROR)
        if len(self.scenarios) < self.selected and exit_code(happened) == COMPLIANT:
            happened.add(Event.INTERRUPTED)
        return exit_code(happened)

    def _counts_as(self, scenario: Scenario) -> Outcome:
        """An override lets through what failed, and nothing else."""
        return Outcome.WAIVED if self.override and scenario.outcome is Outcome.FAILED else scenario.outcome

    def read_journal(self, target: str) -> None:
        """Take note of what a drill has left open on the server; ``target`` is how the run was told of it.

        Raises:
            Undetermined: It could not be told.
        """
        output = self.snapshot.observe(open_journal)
        with reading("the journal of drills"):
            self.journal = journal.read_open(output, target)

    def record(self) -> Run:
        """The record as it stands, while the line does and a person waits for what it says."""
        return self._record(self._server(AT_ONCE_SECONDS), self._line(LAST_ANSWERS_SECONDS), (), AT_ONCE_SECONDS)

    def finish(self, controls: tuple[Control, ...] = ()) -> Run:
        """Make the record, with the controls that it supports evidence for, and hang up whatever happens."""
        seconds = AT_ONCE_SECONDS if Event.INTERRUPTED in self.events else LAST_ANSWERS_SECONDS
        try:
            server, line = self._server(seconds), self._line(seconds)
        finally:
            self.hang_up()
        return self._record(server, line, controls, seconds)

    def hang_up(self) -> None:
        """Close the line and the evidence, once."""
        if not self._hung_up:
            self._hung_up = True
            with self.going_on("to hang up"):
                self.observer.close()
            self.evidence.close()

    def brought_up_to_date(self, run: Run) -> Run:
        """The record with what has broken since it was made."""
        return run.model_copy(update={"exit_code": self.exit_code(), "own_faults": tuple(self.own_faults)})

    @contextmanager
    def going_on(self, what: str) -> Iterator[None]:
        """Whatever escapes here is ours: it is noted, and the run goes on to its end.

        Args:
            what: What is tried, as it stands behind "the suite broke when it tried".
        """
        try:
            yield
        except Exception as error:
            self.broke(f"the suite broke when it tried {what}", error)

    def broke(self, sentence: str, error: BaseException | None = None) -> None:
        """Note that something of ours broke beside the scenarios, and keep where, for whoever mends it."""
        self.events.add(Event.INTERNAL_ERROR)
        self.own_faults.append(sound(self.redactor.redact(f"{sentence}: {_told(error)}" if error else sentence)))
        if error is not None and not isinstance(error, OSError):  # that is of this machine, and no line of ours
            self.keep_trace(f"own-fault-{len(self.own_faults)}.txt", error)

    def keep_trace(self, name: str, error: BaseException) -> None:
        """Write where in our code something broke, if it can be written."""
        text = self.redactor.redact("".join(traceback.format_exception(error)))
        with suppress(OSError), private_files.opened(self.folder / name) as file:
            file.write(text)

    def _record(self, server: Server, line: str | None, controls: tuple[Control, ...], seconds: float) -> Run:
        return Run(
            id=self.folder.name,
            kind=self.kind,
            server=server,
            origin=self._origin(seconds),
            override=_redacted(self.override, self.redactor),
            started=self.started,
            ended=datetime.now(UTC),
            exit_code=self.exit_code(),
            selected=self.selected,
            collected=self.collected,
            line=self.redactor.redact(line) if line else None,
            journal=self.journal,
            scenarios=tuple(map(self._redacted, self.scenarios)),
            exchanges=self.evidence.exchanges,
            controls=controls,
            own_faults=tuple(self.own_faults),
            evidence_incomplete=self.evidence.incomplete,
        )

    def _line(self, seconds: float) -> str | None:
        """What is seen of the server from outside, in one line."""
        return _within(seconds, in_background(self.observer.line))

    def _origin(self, seconds: float) -> Origin:
        checkout = _within(seconds, self.checkout) or Checkout()
        return Origin(
            command=self.redactor.redact(_command()),
            operator=login_name.operator(),
            runner=socket.gethostname(),
            suite_version=__version__,
            commit=checkout.commit,
            uncommitted_changes=checkout.uncommitted_changes,
            python=platform.python_version(),
        )

    def _redacted(self, scenario: Scenario) -> Scenario:
        """Without what the redactor has learned since this scenario ended."""
        redact = self.redactor.redact
        steps = tuple(
            step.model_copy(
                update={
                    "reason": redact(step.reason) if step.reason else None,
                    "difference": step.difference
                    and step.difference.model_copy(
                        update={"expected": redact(step.difference.expected), "seen": redact(step.difference.seen)}
                    ),
                }
            )
            for step in scenario.steps
        )
        reason = redact(scenario.reason) if scenario.reason else None
        return scenario.model_copy(update={"steps": steps, "reason": reason})

    def _server(self, seconds: float) -> Server:
        told = _within(seconds, in_background(self.observer.identify)) if self._greets() else None
        account, offset = told or (self.target.ssh.user or "unknown", None)
        return Server(
            name=self.target.name,
            environment=self.target.environment,
            address=self.target.address,
            domain=self.target.domain,
            account=account,
            clock_offset_seconds=offset,
        )

    def _greets(self) -> bool:
        """Whether the server is asked who we are, where it has not said so: that opens a line where there is none."""
        asks = self.kind != "triage" and Event.INTERRUPTED not in self.events
        return asks or self.observer.connection.greeted


def start_run(
    target: Target,
    kind: Kind,
    reports: Path,
    catalogue: Catalogue,
    collected: int,
    selected: int,
    override: Override | None = None,
) -> ActiveRun:
    """Make the run's folder and everything that looks; nothing is asked yet.

    Where no folder can be made the run has none: whoever waits for what is seen is told it all the same.
    """
    started = datetime.now(UTC)
    folder, unwritable = _new_folder(reports, f"{started:%Y-%m-%dT%H%M%SZ}-{kind}-{target.name}")
    redactor = Redactor()
    evidence = Evidence(redactor, None if unwritable else folder / "evidence.jsonl")
    observer = Observer(target, evidence, redactor, {**journal.NAMES, **catalogue.names})
    running = ActiveRun(
        target=target,
        kind=kind,
        folder=folder,
        redactor=redactor,
        evidence=evidence,
        observer=observer,
        snapshot=Snapshot(observer, GATE_SECONDS if kind == "gate" else None),
        checkout=in_background(checkout),  # git takes its time
        started=started,
        collected=collected,
        selected=selected,
        override=override,
        unwritable=unwritable,
    )
    if unwritable is not None:
        running.broke(f"the record cannot be written: {unwritable}")
    return running


def open_journal(snapshot: Snapshot) -> Output:
    """What the server says of drills that are open there; asked with the first questions."""
    return snapshot.ask(journal.OPEN)


def _redacted(override: Override | None, redactor: Redactor) -> Override | None:
    return override and Override(reason=redactor.redact(override.reason), by=redactor.redact(override.by))


def _new_folder(reports: Path, name: str) -> tuple[Path, str | None]:
    """A new folder of this name, or of the next one that is free; where none can be made, why not."""
    try:
        reports.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = reports / (name if number == 1 else f"{name}-{number}")
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                break
        return folder, None
    except OSError as error:
        return reports / name, f"{error.filename or reports}: {error.strerror}"


def _within(seconds: float, future: Future[A]) -> A | None:
    """What comes of it in that time, and before somebody hurries us; None where nothing does, or it cannot be told."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not signals.is_hurried():
        wait((future,), min(left, AT_ONCE_SECONDS))
        if future.done():
            with suppress(Undetermined):
                return future.result()
            return None
    return None


def _told(error: BaseException) -> str:
    """What broke, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"


def internal_error(error: BaseException) -> str:
    """That something of ours broke, in one sentence: what, and where in our code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"an internal error of the suite{where}: {Redactor().redact(_told(error))}"


def _command() -> str:
    program = Path(sys.argv[0]).name
    return shlex.join(["pytest" if program == "__main__.py" else program, *sys.argv[1:]])
