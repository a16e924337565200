"""pytest-bdd asks our own search for the meaning of a sentence: the same answer, found once."""

from __future__ import annotations

import sys

import pytest
from pytest_bdd.parser import Step
from pytest_bdd.steps import step_function_context_registry

from runbook.suite import features, pytest_bdd_adapter

SENTENCES = sorted({(one.kind, one.text) for s in features.scenarios_of(features.read()) for one in s.filled()})


def step_of(kind: str, text: str) -> Step:
    return Step(type=kind, name=text, line_number=1, indent=0, keyword=kind.title())


def test_every_sentence_gets_the_meaning_that_a_search_over_all_definitions_gives(
    request: pytest.FixtureRequest,
) -> None:
    manager = request.session._fixturemanager
    for kind, text in SENTENCES:
        found = pytest_bdd_adapter.definitions_for(step_of(kind, text), manager, request.node)
        assert [step_function_context_registry[one.func] for one in found] == pytest_bdd_adapter.meanings_of(
            kind, text
        ), text


def test_a_sentence_is_searched_for_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, text = SENTENCES[0]
    first = pytest_bdd_adapter.definitions_for(step_of(kind, text), request.session._fixturemanager, request.node)
    monkeypatch.setattr(pytest_bdd_adapter, "getfixturedefs", lambda *_: pytest.fail("it was searched for again"))
    assert (
        pytest_bdd_adapter.definitions_for(step_of(kind, text), request.session._fixturemanager, request.node) == first
    )


def test_pytest_bdd_asks_this_search() -> None:
    assert sys.modules["pytest_bdd.scenario"].find_fixturedefs_for_step is pytest_bdd_adapter.definitions_for
