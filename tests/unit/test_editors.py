"""The settings for editors fit the sentences: the Cucumber plug-in has to be told every kind of value in them."""

from __future__ import annotations

import json
import re

from pytest_bdd import parsers

from commands import packages
from commands.pytest_runner import ROOT
from runbook.suite import features, pytest_bdd_adapter

SETTINGS = json.loads((ROOT / ".vscode/settings.json").read_text())
BUILT_IN = {"word"}
"""Kinds that Cucumber knows by itself."""

KINDS = {one["name"]: one["regexp"] for one in SETTINGS["cucumber.parameterTypes"]}


def _templates() -> list[str]:
    """The texts of the steps that are written with braces."""
    packages.meanings()
    parsed = [one.parser for one in pytest_bdd_adapter.definitions() if isinstance(one.parser, parsers.parse)]
    return [one.name for one in parsed]


def test_every_kind_of_value_is_told_to_the_editor_and_no_other() -> None:
    assert {kind for text in _templates() for kind in re.findall(r"{(.+?)}", text)} - BUILT_IN == set(KINDS)


def test_numbers_are_numbers() -> None:
    assert {name for name, regexp in KINDS.items() if regexp == r"\d+"} == {one for one in KINDS if one.endswith(":d")}


def test_every_feature_and_every_step_is_looked_for() -> None:
    found = {path for pattern in SETTINGS["cucumber.features"] for path in ROOT.glob(pattern)}
    assert found == {chapter.path for chapter in features.read()}
    glue = {path for pattern in SETTINGS["cucumber.glue"] for path in ROOT.glob(pattern)}
    assert {f"steps.{path.stem}" for path in glue} >= set(packages.MEANINGS)
