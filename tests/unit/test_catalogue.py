"""The features as a whole: what pytest-bdd would pass over in silence is closed here."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from pytest_bdd.feature import get_features
from pytest_bdd.parser import Scenario
from pytest_bdd.steps import StepFunctionContext

from commands.drill import Drill
from conftest import CATALOGUE
from lab import faults
from runbook import bdd
from runbook.features import scenario_id
from runbook.record import SEVERITIES

FEATURES = Path(__file__).resolve().parents[2] / "features"
SCENARIOS = [scenario for feature in get_features([str(FEATURES)]) for scenario in feature.scenarios.values()]
BY_ID = {scenario_id(scenario.name): scenario for scenario in SCENARIOS}
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=list(BY_ID))


DEFINITIONS = [one for one in bdd.definitions() if one.step_func.__module__.startswith("steps.")]


def test_no_name_is_used_twice() -> None:
    """Of two scenarios with one name in a feature, the earlier would vanish."""
    written = Counter(
        line.strip().removeprefix("Scenario: ")
        for path in FEATURES.glob("*.feature")
        for line in path.read_text().splitlines()
        if line.strip().startswith("Scenario: ")
    )
    assert [name for name, times in written.items() if times > 1] == []
    assert len(written) == len(SCENARIOS)


@each_scenario
def test_a_scenario_says_something(scenario: Scenario) -> None:
    assert scenario.steps


@each_scenario
def test_a_scenario_has_a_section_a_kind_and_a_severity(scenario: Scenario) -> None:
    tags = bdd.tags_of(scenario)
    assert len([tag for tag in tags if tag.startswith("rb-")]) == 1
    assert len(tags & {"check", "drill"}) == 1
    assert len(tags & set(SEVERITIES)) == 1


def test_every_drill_has_its_name_on_the_command_line() -> None:
    tags = {tag for scenario in SCENARIOS for tag in scenario.tags if tag.startswith("drill-")}
    assert tags == {f"drill-{name}" for name in get_args(Drill)}


@each_scenario
def test_a_scenario_stands_on_scenarios_that_there_are(scenario: Scenario) -> None:
    needed = {tag.removeprefix("needs-") for tag in bdd.tags_of(scenario) if tag.startswith("needs-")}
    assert needed <= set(BY_ID) - {scenario_id(scenario.name)}


@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if one.rule and "check" in one.rule.tags], ids=lambda one: one.name
)
def test_a_scenario_can_fail(scenario: Scenario) -> None:
    """A drill's own tests show how it fails."""
    assert scenario_id(scenario.name) in {failing for name in faults.names() for failing in faults.describe(name).fails}


@each_scenario
def test_each_sentence_has_exactly_one_meaning(scenario: Scenario) -> None:
    """Of two definitions that match, the last would win."""
    for step in scenario.steps:
        assert len([one for one in DEFINITIONS if one.parser.is_matching(step.name)]) == 1, step.name


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.parser.name)
def test_a_meaning_is_used_and_waits_for_itself(definition: StepFunctionContext) -> None:
    """An async one would never be awaited, and pass."""
    assert not inspect.iscoroutinefunction(definition.step_func)
    assert any(definition.parser.is_matching(step.name) for scenario in SCENARIOS for step in scenario.steps)


@pytest.mark.parametrize("name", faults.names())
def test_a_fault_names_scenarios_that_there_are_and_at_least_one(name: str) -> None:
    fault = faults.describe(name)
    assert fault.title
    assert fault.fails | fault.undetermined
    assert fault.fails | fault.undetermined <= set(BY_ID)
    assert not fault.fails & fault.undetermined


@pytest.mark.parametrize("name", CATALOGUE.checks)
def test_a_check_is_used_by_a_sentence_or_by_another_check(name: str) -> None:
    """The steady state is the interlock's."""
    used = {parameter for one in DEFINITIONS for parameter in bdd.parameters_of(one.step_func)} | {"steady_state"}
    check = CATALOGUE.checks[name]
    others = (other for other in CATALOGUE.checks.values() if other is not check)
    drilled = [path.read_text() for path in (FEATURES.parent / "drills").glob("*.py")]
    assert name in used or any(name in text for text in (*map(inspect.getsource, others), *drilled))
