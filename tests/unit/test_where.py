"""``runbook show --where``: from each sentence to the step that says what it means and to what that rests on."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands import packages
from commands.main import run
from commands.pytest_runner import ROOT
from commands.where import Places
from conftest import CATALOGUE
from runbook.model import exits
from runbook.suite import features
from runbook.suite.features import Scenario, Sentence
from tests.telling import SEED

DRAWN = 20
SENTENCES = [
    (scenario, sentence) for scenario in features.scenarios_of(features.read()) for sentence in scenario.sentences
]
PLACE = re.compile(r" {6}(\w+) +(\S+):(\d+)  (\w+)")


@dataclass(frozen=True)
class Shown:
    """One place as it is printed, and the lines of its file from there on."""

    kind: str
    name: str
    lines: tuple[str, ...]

    @property
    def is_function(self) -> bool:
        """Whether a function of this name begins at this line, decorators before it included."""
        begins = next((number for number, line in enumerate(self.lines) if line.startswith("def ")), None)
        if begins is None or not self.lines[begins].startswith(f"def {self.name}("):
            return False
        return begins == 0 or self.lines[0].startswith("@")


def shown(capsys: pytest.CaptureFixture[str], scenario: Scenario, sentence: Sentence) -> list[Shown]:
    """What is printed below a sentence of a scenario that is asked for by its id."""
    assert run(["show", scenario.id, "--where"]) == exits.COMPLIANT
    lines = capsys.readouterr().out.splitlines()
    found = []
    for line in lines[lines.index(f"    {sentence}") + 1 :]:
        if (place := PLACE.fullmatch(line)) is None:
            break
        kind, path, number, name = place.groups()
        text = (ROOT / path).read_text().splitlines()
        found.append(Shown(kind, name, tuple(text[int(number) - 1 :])))
    return found


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    random.Random(SEED).sample([one for one in SENTENCES if not one[0].tags & {"manual", "drill"}], DRAWN),
    ids=lambda one: one.id if isinstance(one, Scenario) else str(one.line),
)
def test_a_sentence_leads_to_its_step_and_to_its_check(
    capsys: pytest.CaptureFixture[str], scenario: Scenario, sentence: Sentence
) -> None:
    step, *checks = shown(capsys, scenario, sentence)
    assert step.kind == "step"
    assert step.is_function
    assert {one.kind for one in checks} == {"check"}
    assert all(one.is_function and one.name in CATALOGUE.checks for one in checks)


def test_no_sentence_leads_nowhere() -> None:
    packages.meanings()
    places = Places(packages.read_catalogue(), packages.declaring())
    for _, sentence in SENTENCES:
        step, *others = places.of(sentence)
        assert step.kind == "step", sentence
        assert others, sentence
        assert all(one.path.is_relative_to(ROOT) and one.line > 0 for one in (step, *others)), sentence


def one_of(sentence: str) -> tuple[Scenario, Sentence]:
    return next((scenario, one) for scenario, one in SENTENCES if one.text.startswith(sentence))


@pytest.mark.parametrize(
    ("sentence", "places"),
    [
        ("the older release is started", [("act", "START")]),
        ("the scratch database is isolated", [("drill", "unconfined")]),
        ("its extensions match production", [("drill", "restore")]),
        ("plain HTTP is answered without", [("question", "PLAIN_HTTP")]),
        ("a person has attested that the emergency", [("reader", "read")]),
    ],
    ids=["an act", "what looks during a drill", "what an earlier sentence has made", "a question alone", "a person"],
)
def test_what_rests_on_no_check_leads_to_what_it_does_rest_on(
    capsys: pytest.CaptureFixture[str], sentence: str, places: list[tuple[str, str]]
) -> None:
    _, *others = shown(capsys, *one_of(sentence))
    assert [(one.kind, one.name) for one in others] == places
    assert all(one.lines[0].startswith((f"def {one.name}(", f"{one.name} = ")) for one in others)


def test_a_section_shows_each_of_its_scenarios_at_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "6.3", "--where"]) == exits.COMPLIANT
    page = capsys.readouterr().out
    wanted = [scenario for scenario in features.scenarios_of(features.read()) if scenario.section == "6.3"]
    assert wanted
    for scenario in wanted:
        assert f"  {scenario.name}  {scenario.path.relative_to(ROOT)}:{scenario.line}\n" in page
        assert all(f"    {sentence}\n" in page for sentence in scenario.sentences)


def test_a_scenario_can_be_shown_alone_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    scenario, _ = SENTENCES[0]
    assert run(["show", scenario.id]) == exits.COMPLIANT
    page = capsys.readouterr().out
    assert scenario.name in page
    assert not any(other.name in page for other, _ in SENTENCES if other.id != scenario.id)


def test_without_a_section_there_is_nothing_to_lead_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--where"]) == exits.WRONG_USE
    assert "runbook show 6.3 --where" in capsys.readouterr().err


def test_it_needs_no_server(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOK_TARGET", str(Path("nowhere.toml")))
    assert run(["show", "6.3", "--where"]) == exits.COMPLIANT
    assert "steps/monitoring.py:" in capsys.readouterr().out
