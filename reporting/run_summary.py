"""How a record reads: its sections in the runbook's order, and what a reader must know before trusting it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from runbook.model import renamed
from runbook.model.exits import INTERNAL_ERROR, INTERRUPTED
from runbook.model.outcome import Outcome
from runbook.model.record import Difference, Run, Scenario, Verdict
from runbook.model.verdict import overridden, verdict_of

CLOCK_TOLERANCE_SECONDS = 5.0


@dataclass(frozen=True)
class Section:
    """One section of the runbook and its scenarios, in the order in which they ran."""

    number: str
    title: str
    scenarios: tuple[Scenario, ...]

    def counts(self) -> dict[Outcome, int]:
        """How many scenarios came to each outcome that occurs, in the order of `Outcome`."""
        found = Counter(scenario.outcome for scenario in self.scenarios)
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}

    @property
    def seconds(self) -> float:
        return sum(scenario.seconds for scenario in self.scenarios)


def sections(run: Run) -> tuple[Section, ...]:
    """The run's sections in the runbook's order: 2.1 before 10."""
    found: dict[str, list[Scenario]] = {}
    for scenario in run.scenarios:
        found.setdefault(scenario.section, []).append(scenario)
    return tuple(
        Section(number, found[number][0].section_title, tuple(found[number])) for number in sorted(found, key=_in_order)
    )


def _in_order(number: str) -> tuple[list[int], str]:
    return [int(part) for part in re.findall(r"[0-9]+", number)], number


def verdict(run: Run) -> Verdict:
    """What the run comes to; a run of nothing says so."""
    return verdict_of(run) if run.scenarios else Verdict.NOTHING_RUN


def difference(scenario: Scenario) -> Difference | None:
    """What its failing sentence says."""
    return next((step.difference for step in scenario.steps if step.difference), None)


def gaps(run: Run) -> Iterator[str]:
    """Why the run says less than the whole runbook would, one sentence each."""
    if not run.scenarios:
        yield "Nothing was run, so nothing is known of the server."
    if run.selected < run.collected:
        yield f"Partial: {run.selected} of {run.collected} collected scenarios were selected; the others were not run."
    if run.exit_code == INTERRUPTED:
        yield "Interrupted: the run was stopped early."
    if len(run.scenarios) < run.selected:
        yield f"Unfinished: {len(run.scenarios)} of {run.selected} selected scenarios came to an outcome."
    broken = sum(scenario.own_fault for scenario in run.scenarios)
    if broken:
        yield f"The suite itself broke in {broken} of {len(run.scenarios)} scenarios, which say nothing of the server."
    elif run.exit_code == INTERNAL_ERROR and not run.own_faults:
        yield "The suite itself broke: the run may say less than it should."
    for fault in run.own_faults:
        yield f"An internal error of the suite, outside the scenarios: {fault}."


def cautions(run: Run) -> Iterator[str]:
    """What else a reader has to know before trusting the record, one sentence each."""
    if run.journal:
        yield run.journal.sentence()
    if run.override:
        through = ", ".join(one.name for one in overridden(run)) or "nothing had to be"
        yield f"Override by {run.override.by}: {run.override.reason}. Let through: {through}."
    offset = run.server.clock_offset_seconds
    if offset is None and run.scenarios:
        yield "The server's clock could not be compared with that of the machine that ran this."
    elif offset is not None and abs(offset) >= CLOCK_TOLERANCE_SECONDS:
        yield f"The server's clock is {clock(run)}."
    if run.evidence_incomplete:
        yield f"Evidence incomplete: {run.evidence_incomplete}. All exchanges stand below and in run.json."
    if run.origin.uncommitted_changes is None:
        yield "Whether the suite ran with uncommitted changes is not known: git did not say."
    elif run.origin.uncommitted_changes:
        yield "The suite ran with uncommitted changes."


def renamed_since(run: Run) -> tuple[str, ...]:
    """The scenarios that have another name today than in this record, one sentence each."""
    return renamed.sentences(scenario.id for scenario in run.scenarios)


def clock(run: Run) -> str:
    """The server's clock against that of the machine that ran this, in words."""
    offset = run.server.clock_offset_seconds
    if offset is None:
        return "not compared"
    if abs(offset) < 0.05:
        return f"the same as {run.origin.runner}'s to 0.1 s"
    return f"{abs(offset):.1f} s {'behind' if offset < 0 else 'ahead of'} {run.origin.runner}'s"
