"""What the lab answered under each fault, kept, and the scenarios looked at again by those answers, without a lab."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from commands import packages
from lab import faults
from lab.images import cache_folder
from lab.server import Server
from runbook.model.outcome import Attested, Mismatch, NotApplicable, Outcome, Undetermined
from runbook.model.question import Question
from runbook.model.target import Target
from runbook.model.target_file import load
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer
from runbook.observation.redaction import Redactor
from runbook.observation.reply import Reply
from runbook.observation.snapshot import Snapshot
from runbook.process.daemon_threads import settle
from runbook.suite import features, pytest_bdd_adapter
from runbook.suite.features import DEPENDS_ON, Scenario, depended_on
from runbook.suite.run import Kind
from tests.unit.answering import looking

ROOT = Path(__file__).resolve().parents[2]
HEALTHY = "healthy"
UNDER_WAY = "-is-in-progress"


@dataclass(frozen=True)
class Recording:
    """What a lab answered under a fault.

    Attributes:
        fault: Its name; ``healthy`` and the edge's where none was on the lab.
        answers: Each question with its answer, or with why there was none.
    """

    fault: str
    target: Target
    answers: Mapping[Question[Any], object]

    @property
    def kind(self) -> Kind:
        """As what the run looked: what is under way for a moment is a fault before a deploy only."""
        return "gate" if any(one.endswith(UNDER_WAY) for one in self.fails) else "verify"

    @property
    def fails(self) -> frozenset[str]:
        """The scenarios that must fail."""
        return frozenset() if self.is_healthy else faults.describe(self.fault).fails

    @property
    def is_healthy(self) -> bool:
        return self.fault.startswith(HEALTHY)


class _Recorder(Observer):
    """Keeps every answer that it passes on."""

    kept: dict[Question[Any], object]

    def asked(self, question: Question[Any]) -> Future[Reply[Any]]:
        heard: Future[Reply[Any]] = Future()

        def keep(asked: Future[Reply[Any]]) -> Reply[Any]:
            told = asked.result()
            self.kept[question] = told.error or told.answer
            return told

        super().asked(question).add_done_callback(lambda asked: settle(heard, lambda: keep(asked)))
        return heard


def record(server: Server, fault: str) -> Recording:
    """Look at a lab as a run does, and keep what it answers."""
    target = load(str(server.state / "target.toml"))
    catalogue, redactor = packages.read_catalogue(), Redactor()
    with tempfile.TemporaryDirectory() as folder:
        evidence = Evidence(redactor, Path(folder) / "evidence.jsonl")
        observer = _Recorder(target, evidence, redactor, catalogue.names)
        observer.kept = {}
        observer.announce(catalogue.names)
        snapshot = Snapshot(observer)
        recording = Recording(fault, target, observer.kept)
        checks = {name: check for one in looked_at() for name, check in _checks_of(one).items()}
        snapshot.start(checks.values())
        for one in looked_at():
            guarded(one, snapshot, recording.kind)
        observer.close()
        evidence.close()
    return recording


def keep(recording: Recording) -> None:
    """Keep it for the next time, for as long as checks and lab are as they are."""
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / f"{recording.fault}.pickle").write_bytes(pickle.dumps(recording))


def kept() -> list[Recording]:
    """All that are kept."""
    return [pickle.loads(path.read_bytes()) for path in sorted(folder().glob("*.pickle"))]  # noqa: S301 - our own


@cache
def folder() -> Path:
    """Where they are kept: what the lab answers is known by what it is made of and by what is asked."""
    digest = hashlib.sha256()
    for room in ("lab", "checks"):
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.read_bytes())
    return cache_folder() / f"answers-{digest.hexdigest()[:12]}"


@cache
def looked_at() -> tuple[Scenario, ...]:
    """Every scenario that a program looks at."""
    packages.meanings()
    return tuple(
        one for one in features.scenarios_of(features.read()) if "check" in one.tags and "manual" not in one.tags
    )


def outcomes(recording: Recording) -> dict[str, Outcome | str]:
    """What each scenario comes to by the recorded answers; what another one stands on comes first."""
    snapshot = looking(recording.target, recording.answers)
    found: dict[str, Outcome | str] = {}
    for one in looked_at():
        found[one.id] = guarded(one, snapshot, recording.kind)
    bad = {one for one, came_to in found.items() if came_to in (Outcome.FAILED, Outcome.UNDETERMINED)}
    return {one.id: Outcome.UNDETERMINED if folded(one, bad) else found[one.id] for one in looked_at()}


def looked_again(recording: Recording, scenario: Scenario) -> Outcome | str:
    """What one scenario comes to by the recorded answers."""
    return guarded(scenario, looking(recording.target, recording.answers), recording.kind)


def guarded(scenario: Scenario, snapshot: Snapshot, kind: Kind) -> Outcome | str:
    """What a scenario comes to; the name of the error where it breaks, as one may that stands on what is not well."""
    try:
        return outcome(scenario, snapshot, kind)
    except Exception as error:
        return type(error).__name__


def folded(scenario: Scenario, bad: set[str]) -> bool:
    """Whether it stands on one that is not well, so that nothing is said of it."""
    return any(needed in bad for tie, needed in map(depended_on, scenario.tags) if tie == DEPENDS_ON)


def outcome(scenario: Scenario, snapshot: Snapshot, kind: Kind) -> Outcome:
    """What a scenario comes to, its sentences carried out one by one."""
    try:
        for sentence in scenario.filled():
            (meaning,) = pytest_bdd_adapter.meanings_of(sentence.kind, sentence.text)
            meaning.step_func(**dict(_arguments(meaning, sentence, snapshot, kind)))
    except Mismatch:
        return Outcome.FAILED
    except Undetermined:
        return Outcome.UNDETERMINED
    except NotApplicable:
        return Outcome.NOT_APPLICABLE
    except Attested:
        return Outcome.ATTESTED
    return Outcome.PASSED


def _arguments(
    meaning: Any, sentence: features.Sentence, snapshot: Snapshot, kind: Kind
) -> Iterator[tuple[str, object]]:
    """What a step function is called with: what its checks saw, what stands in the sentence, the table below it."""
    said = meaning.parser.parse_arguments(sentence.text) or {}
    given: dict[str, object] = {
        "snapshot": snapshot,
        "run_kind": kind,
        "datatable": [list(row) for row in sentence.table],
    }
    for name in inspect.signature(meaning.step_func).parameters:
        if name in said:
            yield name, meaning.converters.get(name, lambda value: value)(said[name])
        elif name in given:
            yield name, given[name]
        else:
            yield name, snapshot.observe(_catalogue().checks[name])


def _checks_of(scenario: Scenario) -> dict[str, Any]:
    functions = [
        one.step_func
        for sentence in scenario.filled()
        for one in pytest_bdd_adapter.meanings_of(sentence.kind, sentence.text)
    ]
    return {check.__name__: check for function in functions for check in _catalogue().checks_of(function)}


@cache
def _catalogue() -> Any:
    return packages.read_catalogue()


def telling(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, Scenario]]:
    """Where a scenario tells something: under the faults that it fails by or cannot tell, and on a healthy lab."""
    for recording in recordings:
        described = None if recording.is_healthy else faults.describe(recording.fault)
        for one in looked_at():
            bad = set() if described is None else {*described.fails, *described.undetermined}
            if described is None or (one.id in bad and not folded(one, bad)):
                yield recording, one
