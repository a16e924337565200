"""A run by controls: what it supports evidence for, what it did not look at, and what no scenario covers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from runbook.model.outcome import Outcome
from runbook.model.record import Control, Run, Scenario


@dataclass(frozen=True)
class Evidence:
    """One control, and what of this run supports evidence for it."""

    control: Control
    scenarios: tuple[Scenario, ...]

    @property
    def covered(self) -> bool:
        """Whether any scenario of the suite supports evidence for it, in this run or not."""
        return bool(self.sections)

    @property
    def sections(self) -> tuple[str, ...]:
        """Its sections that have scenarios."""
        return tuple(section for section, scenarios in self.control.sections.items() if scenarios)

    @property
    def bare(self) -> tuple[str, ...]:
        """Its sections that have none."""
        return tuple(section for section, scenarios in self.control.sections.items() if not scenarios)

    def counts(self) -> dict[Outcome, int]:
        """How many of its scenarios came to each outcome that occurs, in the order of `Outcome`."""
        found = Counter(scenario.outcome for scenario in self.scenarios)
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}


@dataclass(frozen=True)
class Framework:
    """One framework: its controls that scenarios cover, and those that none does."""

    name: str
    covered: tuple[Evidence, ...]
    uncovered: tuple[Control, ...]


def frameworks(run: Run) -> tuple[Framework, ...]:
    """The frameworks of a run, in the table's order; none where the run was not handed any."""
    return tuple(
        _framework(name, [one for one in run.controls if one.framework == name], run)
        for name in dict.fromkeys(one.framework for one in run.controls)
    )


def _framework(name: str, controls: list[Control], run: Run) -> Framework:
    every = [Evidence(one, tuple(s for s in run.scenarios if s.section in one.sections)) for one in controls]
    return Framework(
        name,
        tuple(one for one in every if one.covered),
        tuple(one.control for one in every if not one.covered),
    )
