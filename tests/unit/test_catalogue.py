"""The features, the steps, the checks and the faults: none is without the others. Their own rules are lint's."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest
from pytest_bdd.steps import StepFunctionContext

from checks.docker.containers import CONTAINERS
from checks.edge.kamal_proxy import STATE
from checks.formats.pg_dump import READ
from commands.drill import Drill
from conftest import CATALOGUE
from lab import faults
from runbook.suite import features, pytest_bdd_adapter
from runbook.suite.features import DEPENDS_ON, EXPLAINED_BY, Scenario

SCENARIOS = features.scenarios_of(features.read())
IDS = {scenario.id for scenario in SCENARIOS}
FAILING = {failing for name in faults.names() for failing in faults.describe(name).fails}
DEFINITIONS = [one for one in pytest_bdd_adapter.definitions() if one.step_func.__module__.startswith("steps.")]


def test_every_drill_has_its_name_on_the_command_line() -> None:
    tags = {tag for scenario in SCENARIOS for tag in scenario.tags if tag.startswith("drill-")}
    assert tags == {f"drill-{name}" for name in get_args(Drill)}


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if not one.is_drill], ids=lambda one: one.id)
def test_a_scenario_can_fail(scenario: Scenario) -> None:
    """A drill's own tests show how it fails."""
    assert scenario.id in FAILING


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.parser.name)
def test_a_meaning_is_used_and_waits_for_itself(definition: StepFunctionContext) -> None:
    """An async one would never be awaited, and pass."""
    assert not inspect.iscoroutinefunction(definition.step_func)
    assert any(definition.parser.is_matching(one.text) for scenario in SCENARIOS for one in scenario.filled())


@pytest.mark.parametrize("name", faults.names())
def test_a_fault_names_all_that_cannot_be_told_because_of_what_it_makes_fail(name: str) -> None:
    fault = faults.describe(name)
    amiss = fault.fails | fault.undetermined
    resting = {
        scenario.id
        for scenario in SCENARIOS
        if not {f"{DEPENDS_ON}-{one}" for one in amiss}.isdisjoint(scenario.tags)
        or not {f"{EXPLAINED_BY}-{one}" for one in fault.fails}.isdisjoint(scenario.tags)
    }
    assert resting - amiss == set()


@pytest.mark.parametrize("name", faults.names())
def test_a_fault_names_scenarios_that_there_are_and_at_least_one(name: str) -> None:
    fault = faults.describe(name)
    assert fault.title
    assert fault.fails | fault.undetermined or fault.passes
    assert fault.fails | fault.undetermined <= IDS
    assert not fault.fails & fault.undetermined
    assert (fault.passes or frozenset()) <= IDS - fault.fails


@pytest.mark.parametrize("name", CATALOGUE.checks)
def test_a_check_is_used_by_a_sentence_or_by_another_check(name: str) -> None:
    """The steady state is the interlock's, and what happened lately is for triage."""
    used = {parameter for one in DEFINITIONS for parameter in pytest_bdd_adapter.parameters_of(one.step_func)}
    used |= {"steady_state", "container_history"}
    check = CATALOGUE.checks[name]
    others = (other for other in CATALOGUE.checks.values() if other is not check)
    drilled = [path.read_text() for path in (features.FEATURES.parent / "drills").rglob("*.py")]
    assert name in used or any(name in text for text in (*map(inspect.getsource, others), *drilled))


def test_a_question_has_the_name_of_the_module_that_declares_it_whoever_imports_it() -> None:
    """Evidence keeps its names when a module is imported by one more."""
    assert CATALOGUE.names[CONTAINERS] == "containers.CONTAINERS"
    assert CATALOGUE.names[READ] == "pg_dump.READ"
    assert CATALOGUE.names[STATE] == "kamal_proxy.STATE"
