"""All rules together, over one house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from linting import chains, controlled, meanings, questions, scenario_ids, scenarios
from linting.finding import Finding
from runbook import bdd, catalogue, features
from runbook.features import Chapter, Unreadable


@dataclass(frozen=True)
class House:
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


def lint(house: House) -> tuple[Finding, ...]:
    """Everything that is wrong, in the order of files and lines."""
    return tuple(sorted(dict.fromkeys(_findings(house))))


def _findings(house: House) -> Iterator[Finding]:
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
    yield from meanings.findings(written, [one for one in bdd.definitions() if one.step_func.__module__ in modules])
    yield from questions.findings(house.declaring)
    yield from scenario_ids.findings(written, house.declaring)
    yield from chains.findings(declared.checks)
    yield from controlled.findings(chapters, house.controls)
