"""The features as they are written: the same that pytest-bdd runs, and what it forgets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_bdd.feature import get_features

from runbook.suite import features, pytest_bdd_adapter
from runbook.suite.features import Unreadable

OUTLINE = """\
@outer
Feature: 9. Things

  Background:
    Given a thing

  Scenario: Loose
    Then it is there

  @rb-9.1 @check
  Rule: 9.1 Small things

    Background:
      And a small one

    @minor
    Scenario Outline: The <size> one
      When it is weighed
      And it is <size>
        | what | <size> |
      Then it weighs <grams> g
      Examples:
        | size | grams |
        | big  | 9     |
        | bent | 7     |
"""


@pytest.fixture
def chapter(tmp_path: Path) -> features.Chapter:
    path = tmp_path / "09-things.feature"
    path.write_text(OUTLINE)
    return features.read_feature(path)


def test_what_is_read_is_what_pytest_bdd_runs() -> None:
    theirs = {
        scenario.name: (
            pytest_bdd_adapter.section_title(scenario.render({})),
            pytest_bdd_adapter.tags_of(scenario.render({})),
            [(step.type, step.keyword.strip(), step.name, step.line_number) for step in scenario.steps],
        )
        for feature in get_features([str(features.FEATURES)])
        for scenario in feature.scenarios.values()
    }
    ours = {
        scenario.name: (
            section.title,
            scenario.tags,
            [(one.kind, one.keyword, one.text, one.line) for one in scenario.sentences],
        )
        for chapter in features.read()
        for section in chapter.sections
        for scenario in section.scenarios
    }
    assert ours == theirs


def test_tags_and_backgrounds_come_from_above(chapter: features.Chapter) -> None:
    loose, outline = features.scenarios_of([chapter])
    assert loose.tags == {"outer"}
    assert outline.tags == {"outer", "rb-9.1", "check", "minor"}
    assert [(one.kind, one.text) for one in outline.sentences] == [
        ("given", "a thing"),
        ("given", "a small one"),
        ("when", "it is weighed"),
        ("when", "it is <size>"),
        ("then", "it weighs <grams> g"),
    ]
    assert [(one.number, one.title) for one in chapter.sections] == [("", "Things"), ("9.1", "Small things")]


def test_an_outline_is_read_out_once_for_each_row(chapter: features.Chapter) -> None:
    _, outline = features.scenarios_of([chapter])
    said = [one.text for one in outline.filled()]
    assert said[4::5] == ["it weighs 9 g", "it weighs 7 g"]
    assert next(one.table for one in outline.filled() if one.table) == (("what", "big"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Feature: F\n  Scenario: S\n    Then x\n  nonsense\n", ":4: this is not Gherkin (expected: "),
        ("", ":1: it is empty; expected a feature"),
    ],
)
def test_what_is_no_feature_is_told_with_file_and_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "x.feature"
    path.write_text(text)
    with pytest.raises(Unreadable) as told:
        features.read_feature(path)
    assert str(told.value).startswith(f"{path}{sentence}")


def test_sections_are_in_the_runbooks_order() -> None:
    assert sorted(["10", "2.10", "2.2", "7"], key=features.section_order) == ["2.2", "2.10", "7", "10"]
