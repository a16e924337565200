"""``runbook show``: the sentences and the exact commands, with a server's names or without, and no server asked."""

from __future__ import annotations

import re

import pytest

from commands.main import run
from conftest import CATALOGUE
from drills.rollback import switch_actions
from runbook.model import exits
from runbook.model.target_file import load
from runbook.model.template import template_values
from runbook.suite import features


@pytest.fixture(autouse=True)
def _without_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNBOOK_TARGET", raising=False)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["show", *arguments]) == exits.COMPLIANT
    return capsys.readouterr().out


def test_the_contents_count_every_scenario_once(capsys: pytest.CaptureFixture[str]) -> None:
    contents = shown(capsys)
    counted = [int(count) for count in re.findall(r"(\d+) (?:check|drill)s?\b", contents)]
    scenarios = features.scenarios_of(features.read())
    assert sum(counted) == len(scenarios)
    assert f"{len(scenarios)} scenarios in " in contents
    assert "3.4  Manual rollback" in contents


@pytest.mark.parametrize("chapter", ["2", "5", "7"])
def test_a_chapter_shows_every_sentence_and_every_question_of_its_scenarios(
    capsys: pytest.CaptureFixture[str], chapter: str
) -> None:
    page = shown(capsys, chapter, "--target", "lab")
    scenarios = [one for one in features.scenarios_of(features.read()) if one.section.split(".")[0] == chapter]
    assert scenarios
    assert all(f"    {sentence}\n" in page for scenario in scenarios for sentence in scenario.sentences)
    names = set(CATALOGUE.names.values())
    told = re.findall(r"^      (\w+\.[A-Z_]+)  (?:inside|outside) · needs \w+ · at most [\d.]+ s$", page, re.MULTILINE)
    assert told
    assert set(told) <= names
    assert len(told) == len(set(told))


def test_a_drill_shows_its_acts_and_their_undo_as_its_plan_does(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "3.4", "--target", "lab")
    facts = template_values(load("lab"))
    for act in (switch_actions.START, switch_actions.SWITCH, switch_actions.STOP, switch_actions.AS_WRITTEN):
        for text in (act.render(facts), act.render_undo(facts)):
            assert all(line.strip() in page for line in text.splitlines())


def test_a_target_fills_in_its_names_and_what_only_the_server_tells_stays_open(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, bare = shown(capsys, "3.4", "--target", "lab"), shown(capsys, "3.4")
    assert "docker exec kamal-proxy kamal-proxy deploy psyfit-web --target=<to> <flags>" in page
    assert "docker exec <proxy> kamal-proxy deploy <proxy_service> --target=<to> <flags>" in bare
    for text, who in ((page, "only the server itself knows"), (bare, "a target (--target) or only the server")):
        (opened,) = [line for line in text.splitlines() if line.startswith("Open: ")]
        assert "<flags>" in opened
        assert who in opened
        assert "<flags>: every option that the proxy has for the service at that moment" in text


@pytest.mark.parametrize("section", [one.number for chapter in features.read() for one in chapter.sections])
def test_every_section_can_be_shown_without_a_target(capsys: pytest.CaptureFixture[str], section: str) -> None:
    assert shown(capsys, section).startswith(f"{section}  ")


@pytest.mark.parametrize(("asked", "nearest"), [("3.9", "3.4 Manual rollback"), ("rollback", "3.4 Manual rollback")])
def test_an_unknown_section_is_wrong_use_and_names_the_nearest(
    capsys: pytest.CaptureFixture[str], asked: str, nearest: str
) -> None:
    assert run(["show", asked]) == exits.WRONG_USE
    said = capsys.readouterr().err
    assert said.startswith(f"the features have no section {asked}; the nearest are {nearest}, ")
    assert said.count("\n") == 1


def test_a_target_that_cannot_be_read_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "3.4", "--target", "none.toml"]) == exits.WRONG_USE
    assert "none.toml: cannot be read" in capsys.readouterr().err
