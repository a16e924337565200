"""Rules of what the sentences mean: each has one meaning, and one that says what must be seen can fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FunctionType

from pytest_bdd.steps import StepFunctionContext

from linting.finding import Finding, place_of
from runbook.model.outcome import Mismatch, require
from runbook.observation.catalogue import named_by
from runbook.suite import pytest_bdd_adapter
from runbook.suite.features import Scenario

ONE = "exactly one step function with this text"


def findings(scenarios: Iterable[Scenario], definitions: Sequence[StepFunctionContext]) -> Iterator[Finding]:
    """All that is wrong with the sentences of these scenarios, and with the functions that give them a meaning."""
    said = {
        (scenario.path, sentence.line, sentence.kind, sentence.text): str(sentence)
        for scenario in scenarios
        for sentence in scenario.filled()
    }
    for (path, line, kind, text), sentence in said.items():
        found = pytest_bdd_adapter.meanings_of(kind, text, definitions)
        if not found:
            yield Finding(path, line, f"the step “{sentence}” is undefined", ONE)
        elif len(found) > 1:
            where = " and ".join(_place(one) for one in found)
            yield Finding(path, line, f"the step “{sentence}” is ambiguous: {where}", ONE)
    for one in definitions:
        if one.type == "then" and not can_fail(one.step_func):
            yield Finding(
                *place_of(_function(one)),
                f"the step “{one.parser.name}” asserts nothing",
                "a call of `require`, there or in what it calls",
            )


def can_fail(function: object) -> bool:
    """Whether a function, or one that it calls, could say that the server is not as the sentence says."""
    return any(value in (require, Mismatch) for value in named_by(function) if callable(value))


def _function(definition: StepFunctionContext) -> FunctionType:
    function = definition.step_func
    assert isinstance(function, FunctionType)
    return function


def _place(definition: StepFunctionContext) -> str:
    path, line = place_of(_function(definition))
    return f"{Path(path).name}:{line}"
