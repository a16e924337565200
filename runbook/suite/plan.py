"""What a run could ask: every question with the right that it needs, and the sections that ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from runbook.drill import journal
from runbook.model.question import Question
from runbook.model.target import Target
from runbook.model.template import Facts, template_values
from runbook.observation.catalogue import Catalogue
from runbook.suite import pytest_bdd_adapter
from runbook.suite.features import section_of
from runbook.transport import reachability


@dataclass(frozen=True)
class Planned:
    """One question as it would be asked; without sections it is asked for the run's own sake."""

    name: str
    asked: str
    vantage: str
    right: str
    seconds: float
    sections: tuple[str, ...]


def plan_of(target: Target, catalogue: Catalogue, checks: Mapping[pytest.Item, tuple[Any, ...]]) -> tuple[Planned, ...]:
    """Every question that these scenarios could ask of this target, in the order of their sections."""
    sections: dict[Any, dict[str, None]] = {}
    for item, wanted in checks.items():
        scenario = pytest_bdd_adapter.scenario_of(item)
        tags = pytest_bdd_adapter.tags_of(scenario) if scenario else frozenset()
        section = section_of(tags)
        for check in wanted:
            for question in catalogue.questions_of(check):
                sections.setdefault(question, {})[section] = None
    for question in reachability.NAMES:
        if question != reachability.NAME or target.dns.resolver is not None:
            sections.setdefault(question, {})
    sections.setdefault(journal.OPEN, {})
    facts = template_values(target)
    return tuple(planned(question, catalogue, facts, tuple(asking)) for question, asking in sections.items())


def planned(question: Question[Any], catalogue: Catalogue, facts: Facts, sections: tuple[str, ...] = ()) -> Planned:
    """One question as it would be asked with these facts."""
    return Planned(
        name={**reachability.NAMES, **journal.NAMES, **catalogue.names}.get(question, type(question).__name__),
        asked=question.render(facts),
        vantage=question.vantage,
        right=question.needs.name,
        seconds=question.seconds,
        sections=sections,
    )


@dataclass(frozen=True)
class PlannedAction:
    """One act as it would be done, and as it would be undone."""

    name: str
    script: str
    undo: str


@dataclass(frozen=True)
class PlannedDrill:
    """A drill: its sentences, each with the acts that it could do."""

    name: str
    sentences: tuple[tuple[str, tuple[PlannedAction, ...]], ...]


def drills_of(target: Target, catalogue: Catalogue, items: Iterable[pytest.Item]) -> tuple[PlannedDrill, ...]:
    """The drills among these scenarios; what only a look can tell stands as ``<name>``."""
    facts = template_values(target)
    return tuple(
        PlannedDrill(
            scenario.name,
            tuple(
                (f"{step.keyword.strip()} {step.name}", planned_actions(function, catalogue, facts))
                for step, function in zip(scenario.steps, pytest_bdd_adapter.step_functions(item), strict=False)
            ),
        )
        for item in items
        if pytest_bdd_adapter.is_drill(item) and (scenario := pytest_bdd_adapter.scenario_of(item)) is not None
    )


def planned_actions(function: Callable[..., Any], catalogue: Catalogue, facts: Facts) -> tuple[PlannedAction, ...]:
    """The acts that a sentence's function could do, as they would be done with these facts."""
    return tuple(
        PlannedAction(catalogue.actions.get(act, "an act"), act.render(facts), act.render_undo(facts))
        for act in catalogue.actions_of(function)
    )
