"""What a run could ask: every question with the right that it needs, and the sections that ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from runbook import bdd
from runbook.catalogue import Catalogue
from runbook.question import facts_of
from runbook.target import Target


@dataclass(frozen=True)
class Planned:
    """One question as it would be asked."""

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
        scenario = bdd.scenario_of(item)
        tags = bdd.tags_of(scenario) if scenario else frozenset()
        section = next((tag.removeprefix("rb-") for tag in sorted(tags) if tag.startswith("rb-")), "")
        for check in wanted:
            for question in catalogue.questions_of(check):
                sections.setdefault(question, {})[section] = None
    facts = facts_of(target)
    return tuple(
        Planned(
            name=catalogue.names.get(question, type(question).__name__),
            asked=question.told(facts),
            vantage=question.vantage,
            right=question.needs.name,
            seconds=question.seconds,
            sections=tuple(asking),
        )
        for question, asking in sections.items()
    )
