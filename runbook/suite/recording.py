"""From a scenario as it ran to its record: what pytest and pytest-bdd know of it, in our words."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook.drill.executor import DrillExecutor
from runbook.drill.interlock import Refused
from runbook.model.outcome import Attested, Mismatch, NotApplicable, Outcome, Undetermined
from runbook.model.record import SEVERITIES, Difference, HowItRan, Scenario, Severity, Step
from runbook.observation.redaction import Redactor
from runbook.suite import pytest_bdd_adapter
from runbook.suite.features import scenario_id, section_of

EXPECTED = (Attested, Mismatch, Undetermined, NotApplicable, Refused, KeyboardInterrupt, type(None))
"""What may end a scenario without a fault of the suite's own."""


@dataclass
class Progress:
    """A scenario as it runs.

    Attributes:
        clock: When it began, by the monotonic clock; ``step_clock`` is the same for its last sentence.
        step_exchanges: How many exchanges there were before its last sentence.
        executor: Of a drill, once the interlock has handed one out.
    """

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.monotonic)
    steps: list[Step] = field(default_factory=list)
    step_clock: float = 0.0
    step_exchanges: int = 0
    executor: DrillExecutor | None = None


def step_record(
    step: Any, progress: Progress, error: BaseException | None, evidence: Iterable[int], redactor: Redactor
) -> Step:
    """One sentence that has just ended."""
    return Step(
        keyword=step.keyword.strip(),
        text=step.name,
        outcome=_outcome_of(error),
        seconds=round(time.monotonic() - progress.step_clock, 4),
        difference=_difference(error, redactor),
        reason=redactor.redact(str(error)) if error and not isinstance(error, Mismatch) else None,
        evidence=tuple(sorted(evidence)),
    )


def scenario_record(
    scenario: Any, progress: Progress, error: BaseException | None, redactor: Redactor, root: Path
) -> Scenario:
    """One scenario that has just ended; ``error`` is what ended it, where something did."""
    tags = pytest_bdd_adapter.tags_of(scenario)
    return Scenario(
        id=scenario_id(scenario.name),
        name=scenario.name,
        section=section_of(tags),
        section_title=pytest_bdd_adapter.section_title(scenario),
        file=str(pytest_bdd_adapter.feature_path(scenario).relative_to(root)),
        line=scenario.line_number,
        severity=_severity(tags),
        kind="drill" if "drill" in tags else "check",
        tags=tuple(sorted(tags)),
        outcome=_outcome_of(error),
        reason=_reason(error, redactor),
        reason_code=error.code if isinstance(error, Undetermined) else None,
        missing_right=error.right.name if isinstance(error, Undetermined) and error.right else None,
        because=error.because if isinstance(error, Undetermined) else None,
        own_fault=not isinstance(error, EXPECTED),
        started=progress.started,
        seconds=round(time.monotonic() - progress.clock, 4),
        steps=(*progress.steps, *_not_reached(scenario, len(progress.steps))),
        how_it_ran=_how_it_ran(error, progress, len(scenario.steps)) if "drill" in tags else None,
        figures=tuple(progress.executor.figures) if progress.executor else (),
        timelines=tuple(progress.executor.timelines) if progress.executor else (),
    )


def _outcome_of(error: BaseException | None) -> Outcome:
    match error:
        case None:
            return Outcome.PASSED
        case Mismatch():
            return Outcome.FAILED
        case NotApplicable():
            return Outcome.NOT_APPLICABLE
        case Attested():
            return Outcome.ATTESTED
        case _:
            return Outcome.UNDETERMINED


def _how_it_ran(error: BaseException | None, progress: Progress, sentences: int) -> HowItRan:
    match error:
        case Refused():
            return "refused"
        case KeyboardInterrupt():
            return "interrupted"
        case _ if progress.executor is None:
            return "not started"
    return "completed" if len(progress.steps) == sentences else "stopped"


def _difference(error: BaseException | None, redactor: Redactor) -> Difference | None:
    if not isinstance(error, Mismatch):
        return None
    return Difference(expected=redactor.redact(error.expected), seen=redactor.redact(error.actual), go_to=error.section)


def _reason(error: BaseException | None, redactor: Redactor) -> str | None:
    if error is None:
        return None
    said = redactor.redact(str(error) or type(error).__name__)
    return said if isinstance(error, EXPECTED) else f"an internal error of the suite: {type(error).__name__}: {said}"


def _not_reached(scenario: Any, reached: int) -> Iterator[Step]:
    for step in scenario.steps[reached:]:
        yield Step(keyword=step.keyword.strip(), text=step.name, outcome=None, seconds=0)


def _severity(tags: frozenset[str]) -> Severity:
    return next((severity for severity in SEVERITIES if severity in tags), "major")
