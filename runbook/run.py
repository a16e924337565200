"""One run over the scenarios of one target: what is needed to look, and what has come of it so far."""

from __future__ import annotations

import getpass
import platform
import shlex
import socket
import subprocess
import sys
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from runbook import __version__, journal
from runbook.catalogue import Catalogue
from runbook.evidence import Evidence
from runbook.exits import COMPLIANT, Event, exit_code
from runbook.look import Look, reading
from runbook.observer import Observer, in_background
from runbook.outcome import Outcome, Undetermined
from runbook.question import Output
from runbook.record import Control, OpenJournal, Origin, Override, Run, Scenario, Server, decides
from runbook.redaction import Redactor
from runbook.target import Target

Kind = Literal["verify", "triage", "gate", "drill", "rehearse"]
KINDS: tuple[Kind, ...] = get_args(Kind)
GATE_SECONDS = 50.0
"""How long the look before a deploy may take: with the start and the report it is a minute at the most."""


@dataclass
class Running:
    """A run under way. Its folder is made with it; the evidence is written there as it happens."""

    target: Target
    kind: Kind
    folder: Path
    redactor: Redactor
    evidence: Evidence
    observer: Observer
    look: Look
    origin: Future[Origin]
    started: datetime
    collected: int
    selected: int
    override: Override | None = None
    journal: OpenJournal | None = None
    scenarios: list[Scenario] = field(default_factory=list)
    events: set[Event] = field(default_factory=set)

    def exit_code(self) -> int:
        """The run's exit code as it stands."""
        deciding = [scenario for scenario in self.scenarios if decides(self.kind, scenario)]
        happened: set[Outcome | Event] = {*self.events, *map(self._counts_as, deciding)}
        if any(scenario.own_fault for scenario in deciding):
            happened.add(Event.OWN_FAULT)
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
        output = self.look.see(asked_journal)
        with reading("the journal of drills"):
            self.journal = journal.read_open(output, target)

    def record(self) -> Run:
        """The record as it stands, while the line does."""
        return self._record(self._server(), self.observer.line(), ())

    def finish(self, controls: tuple[Control, ...] = ()) -> Run:
        """Hang up and make the record, with the controls that it supports evidence for."""
        server, line = self._server(), self.observer.line()
        self.observer.close()
        self.evidence.close()
        return self._record(server, line, controls)

    def _record(self, server: Server, line: str | None, controls: tuple[Control, ...]) -> Run:
        return Run(
            id=self.folder.name,
            kind=self.kind,
            server=server,
            origin=self._origin(),
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
        )

    def _origin(self) -> Origin:
        origin = self.origin.result()
        return origin.model_copy(update={"command": self.redactor.redact(origin.command)})

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

    def _server(self) -> Server:
        account, offset = self.target.ssh.user or "unknown", None
        waits = self.kind != "triage" and Event.INTERRUPTED not in self.events
        if waits or self.observer.connection.greeted:
            with suppress(Undetermined):
                account, offset = self.observer.greeting()
        return Server(
            name=self.target.name,
            environment=self.target.environment,
            address=self.target.address,
            domain=self.target.domain,
            account=account,
            clock_offset_seconds=offset,
        )


def begin(
    target: Target,
    kind: Kind,
    reports: Path,
    catalogue: Catalogue,
    collected: int,
    selected: int,
    override: Override | None = None,
) -> Running:
    """Make the run's folder and everything that looks; nothing is asked yet."""
    started = datetime.now(UTC)
    folder = _new_folder(reports, f"{started:%Y-%m-%dT%H%M%SZ}-{kind}-{target.name}")
    redactor = Redactor()
    evidence = Evidence(redactor, folder / "evidence.jsonl")
    observer = Observer(target, evidence, redactor, catalogue.names)
    return Running(
        target=target,
        kind=kind,
        folder=folder,
        redactor=redactor,
        evidence=evidence,
        observer=observer,
        look=Look(observer, GATE_SECONDS if kind == "gate" else None),
        origin=in_background(_origin),  # git takes its time
        started=started,
        collected=collected,
        selected=selected,
        override=override,
    )


def asked_journal(look: Look) -> Output:
    """What the server says of drills that are open there; asked with the first questions."""
    return look.ask(journal.OPEN)


def _redacted(override: Override | None, redactor: Redactor) -> Override | None:
    return override and Override(reason=redactor.redact(override.reason), by=redactor.redact(override.by))


def _new_folder(reports: Path, name: str) -> Path:
    number = 1
    while True:
        folder = reports / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def _origin() -> Origin:
    program = Path(sys.argv[0]).name
    arguments = ["pytest" if program == "__main__.py" else program, *sys.argv[1:]]
    return Origin(
        command=shlex.join(arguments),
        operator=getpass.getuser(),
        runner=socket.gethostname(),
        suite_version=__version__,
        commit=_git("rev-parse", "HEAD") or None,
        uncommitted_changes=bool(_git("status", "--porcelain")),
        python=platform.python_version(),
    )


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parent.parent
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
