"""All that the engine knows of pytest-bdd's inside, in one place (pytest-bdd 9.0; a test holds it to that).

It uses the registries in which pytest-bdd keeps scenario templates and step functions, because pytest-bdd has no
public way to read a scenario before it runs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_bdd import scenarios
from pytest_bdd.parser import Scenario
from pytest_bdd.scenario import find_fixturedefs_for_step, scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from runbook.features import title_of

EXAMPLE = "_pytest_bdd_example"


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
        for definition in find_fixturedefs_for_step(step=step, fixturemanager=manager, node=item):
            yield step_function_context_registry[definition.func].step_func


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
