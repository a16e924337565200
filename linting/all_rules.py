"""All rules together, over one house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from linting import control_rules, questions, round_trips, scenario_ids, scenarios, step_rules
from linting.finding import Finding
from runbook.observation import catalogue
from runbook.suite import features, pytest_bdd_adapter
from runbook.suite.features import Chapter, Unreadable


@dataclass(frozen=True)
class Project:
    """What the rules are held against.

    Attributes:
        features: The folder of the features.
        meanings: The modules that say what sentences mean, loaded.
        declaring: The modules that declare questions and checks, loaded.
        controls: The table of controls.
    """

    features: Path
    meanings: tuple[ModuleType, ...]
    declaring: tuple[ModuleType, ...]
    controls: Path


def lint(house: Project) -> tuple[Finding, ...]:
    """Everything that is wrong, in the order of files and lines."""
    return tuple(sorted(dict.fromkeys(_findings(house))))


def _findings(house: Project) -> Iterator[Finding]:
    chapters: list[Chapter] = []
    for path in sorted(house.features.rglob("*.feature")):
        try:
            chapters.append(features.read_feature(path))
        except Unreadable as error:
            yield Finding(path, error.line, error.what, error.expected)
    written = features.scenarios_of(chapters)
    modules = {module.__name__ for module in house.meanings}
    declared = catalogue.read(house.declaring)
    yield from scenarios.findings(written)
    yield from step_rules.findings(
        written, [one for one in pytest_bdd_adapter.definitions() if one.step_func.__module__ in modules]
    )
    yield from questions.findings(house.declaring)
    yield from scenario_ids.findings(written, house.declaring)
    yield from round_trips.findings(declared.checks)
    yield from control_rules.findings(chapters, house.controls)
