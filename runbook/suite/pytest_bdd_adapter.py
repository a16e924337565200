"""All that the engine knows of pytest-bdd's inside, in one place (pytest-bdd 9.0; a test holds it to that).

It uses the registries in which pytest-bdd keeps scenario templates and step functions, because pytest-bdd has no
public way to read a scenario before it runs.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.fixtures import FixtureManager
from pytest_bdd import scenarios
from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.parser import Scenario, Step
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from runbook.suite.features import title_of

EXAMPLE = "_pytest_bdd_example"

Place = tuple[object, int]
Sought = tuple[object, int, str | None, str]
Definition = tuple[pytest.FixtureDef[object], StepFunctionContext]

VISIBLE = pytest.StashKey[dict[Place, tuple[Definition, ...]]]()
FOUND = pytest.StashKey[dict[Sought, tuple[pytest.FixtureDef[object], ...]]]()
"""What one session has found already: the definitions that a collector's tests may use, and those of a sentence."""


class FeatureFile(pytest.Module):
    """A feature file, collected as it is: ``pytest features/07-certificate.feature``."""

    def _getobj(self) -> ModuleType:
        module = ModuleType(re.sub(r"\W", "_", self.path.stem))
        module.__file__ = str(self.path)
        module.__dict__.update(bind=scenarios, path=str(self.path), folder=str(self.path.parent))
        exec("bind(path, features_base_dir=folder)", module.__dict__)
        return module


def scenario_of(item: pytest.Item) -> Scenario | None:
    """The scenario that this test runs, its outline's example filled in; None for a plain test."""
    template = scenario_wrapper_template_registry.get(item.obj) if isinstance(item, pytest.Function) else None
    if template is None:
        return None
    callspec = getattr(item, "callspec", None)
    return template.render(callspec.params.get(EXAMPLE, {}) if callspec else {})


def tags_of(scenario: Scenario) -> frozenset[str]:
    """Its own tags and its feature's."""
    return frozenset(scenario.tags | scenario.feature.tags | (scenario.rule.tags if scenario.rule else set()))


def is_drill(item: pytest.Item) -> bool:
    """Whether this test may change the server."""
    scenario = scenario_of(item)
    return scenario is not None and "drill" in tags_of(scenario)


def step_functions(item: pytest.Item) -> Iterator[Callable[..., Any]]:
    """The function behind each step of the item's scenario; undefined steps are passed over (they fail as they run)."""
    scenario = scenario_of(item)
    manager = item.session._fixturemanager
    for step in scenario.steps if scenario else ():
        for definition in definitions_for(step, manager, item):
            yield step_function_context_registry[definition.func].step_func


def definitions_for(
    step: Step, fixturemanager: FixtureManager, node: pytest.Item
) -> tuple[pytest.FixtureDef[object], ...]:
    """The definitions that a step of this test could mean, searched once for each sentence.

    pytest-bdd goes through every fixture there is, four times a step; it takes its answers from here instead.
    New definitions make what was found out of date, so their number is a part of what is asked.
    """
    known: dict[Sought, tuple[pytest.FixtureDef[object], ...]] = fixturemanager.session.stash.setdefault(FOUND, {})
    sought = node.parent, len(step_function_context_registry), step.type, step.name
    if sought not in known:
        known[sought] = tuple(
            definition
            for definition, context in _visible_to(node, fixturemanager)
            if context.type in (None, step.type) and context.parser.is_matching(step.name)
        )
    return known[sought]


def _visible_to(node: pytest.Item, fixturemanager: FixtureManager) -> tuple[Definition, ...]:
    known: dict[Place, tuple[Definition, ...]] = fixturemanager.session.stash.setdefault(VISIBLE, {})
    place = node.parent, len(step_function_context_registry)
    if place not in known:
        known[place] = tuple(
            (definition, step_function_context_registry[definition.func])
            for name in get_fixture_names(fixturemanager=fixturemanager)
            for definition in getfixturedefs(fixturemanager, name, node) or ()
            if definition.func in step_function_context_registry
        )
    return known[place]


# The package has a function of the module's name, so the module itself is found among those that are loaded.
sys.modules["pytest_bdd.scenario"].find_fixturedefs_for_step = definitions_for  # type: ignore[attr-defined]


def definitions() -> list[StepFunctionContext]:
    """Every definition of a sentence that has been loaded."""
    return list(step_function_context_registry.values())


def meanings_of(kind: str, text: str, among: Iterable[StepFunctionContext] | None = None) -> list[StepFunctionContext]:
    """The definitions that a sentence of this kind could mean: one where all is well. Of several the last would win."""
    known = definitions() if among is None else among
    return [one for one in known if one.type in (None, kind) and one.parser.is_matching(text)]


def parameters_of(function: Callable[..., Any]) -> frozenset[str]:
    """The names of a step function's parameters."""
    return frozenset(inspect.signature(function).parameters)


def section_title(scenario: Scenario) -> str:
    """The title of its rule, or of its feature where it stands in none, without the number before it."""
    return title_of(scenario.rule.name if scenario.rule else scenario.feature.name)


def feature_path(scenario: Scenario) -> Path:
    """The feature's file."""
    return Path(scenario.feature.filename)
