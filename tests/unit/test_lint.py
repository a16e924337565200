"""``runbook lint``: nothing is wrong with the project, and each kind of fault is named in a copy that has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import pytest

from commands.main import run
from commands.pytest_runner import ROOT
from linting import round_trips, step_rules
from runbook.model import exits
from runbook.model.outcome import require
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot

ROOMS = (
    "features",
    "steps",
    "checks",
    "discovery",
    "drills",
    "linting",
    "runbook",
    "reporting",
    "commands",
    "lab",
    "docs",
)

FEATURE = """
    @minor
    Scenario: Undefined
      Then nobody knows what this means

    @minor
    Scenario: Ambiguous
      Then this means two things

    @minor
    Scenario: The clone is clean
      Then this means one thing

    Scenario: Without a severity
      Then this means one thing

    @major @minor
    Scenario: With two severities
      Then this means one thing

    @minor @depends-on-somebody-else
    Scenario: On nothing
      Then this means one thing

    @minor @needs-the-database-is-up
    Scenario: With an old tag
      Then this means one thing

    # What could not be told.
    @minor @urgent
    Scenario: With a tag of its own
      Then this means one thing

    @minor
    Scenario: Without a word

    @minor
    Scenario Outline: Without rows
      Then this means one thing

  @check
  Rule: Without a number

    @minor
    Scenario: Without a section
      Then this means one thing

  @rb-99.1
  Rule: 99.1 Without a control

    @minor @check
    Scenario: Uncontrolled
      Then this means one thing

    @minor
    Scenario: Neither looks nor acts
      Then this means one thing
"""
STEPS = """

@then("this means two things")
def one_of_two() -> None:
    require(1, expected="", actual="", section="")


@then("this means two things")
def two_of_two() -> None:
    one_of_two()


@then("this means one thing")
def one_of_one() -> None:
    one_of_two()


@then("this asserts nothing")
def silent() -> None:
    print("all is well")
"""
CHECKS = """
STOPS = Command("docker stop db")
GROUND = "the-web-release-is-up"


def knows_why(snapshot: Snapshot) -> None:
    raise Undetermined("no release runs", because="whatever it rests on")


def too_deep(snapshot: Snapshot) -> str:
    first = snapshot.ask(ORIGIN)
    second = snapshot.ask(ORIGIN.with_values(one=first.out))
    third = snapshot.ask(ORIGIN.with_values(one=second.out))
    return snapshot.ask(ORIGIN.with_values(one=third.out)).out
"""
FEATURE_FILE, STEP_FILE, CHECK_FILE = "features/08-secrets.feature", "steps/secrets.py", "checks/deploy/git_clone.py"


@dataclass(frozen=True)
class Broken:
    """A fault of the copy: what is said of it, and the line that it is at."""

    file: str
    line: str
    said: str


BROKEN = {
    "an undefined step": Broken(FEATURE_FILE, "nobody knows", "“Then nobody knows what this means” is undefined"),
    "an ambiguous step": Broken(FEATURE_FILE, "Then this means two things", "is ambiguous: secrets.py:"),
    "a duplicate name": Broken(FEATURE_FILE, "Scenario: The clone is", "has the name of the one at 04-deploy.feature:"),
    "no severity": Broken(FEATURE_FILE, "Scenario: Without a severity", "has no severity"),
    "two severities": Broken(FEATURE_FILE, "Scenario: With two", "has 2 severities"),
    "no ground": Broken(
        FEATURE_FILE, "Scenario: On nothing", "depends on somebody-else, which is not another scenario"
    ),
    "an unknown tag": Broken(FEATURE_FILE, "Scenario: With a tag of its own", "has the unknown tag @urgent"),
    "an old tag": Broken(FEATURE_FILE, "Scenario: With an old tag", "expected @depends-on-the-database-is-up, as it"),
    "a replaced word": Broken(
        FEATURE_FILE, "# What could not be told", "“could not be told” is replaced by the glossary"
    ),
    "no sentence": Broken(FEATURE_FILE, "Scenario: Without a word", "says nothing"),
    "an outline without rows": Broken(FEATURE_FILE, "Outline: Without", "is an outline without rows"),
    "no section": Broken(FEATURE_FILE, "Scenario: Without a section", "has no section"),
    "no kind": Broken(FEATURE_FILE, "Scenario: Neither", "has no kind"),
    "a section without a control": Broken(FEATURE_FILE, "Rule: 99.1", "section 99.1 has no control"),
    "no Gherkin": Broken("features/99-no-gherkin.feature", "nonsense", "this is not Gherkin (expected: "),
    "a step that asserts nothing": Broken(STEP_FILE, '@then("this asserts', "“this asserts nothing” asserts nothing"),
    "a question that is not read-only": Broken(CHECK_FILE, "STOPS", "git_clone.STOPS is not read-only: this does more"),
    "a check that knows a scenario": Broken(CHECK_FILE, "GROUND = ", "knows the scenario the-web-release-is-up"),
    "a check that says because of what": Broken(CHECK_FILE, 'because="whatever', "says because of which scenario"),
    "questions that chain too deep": Broken(CHECK_FILE, "def too_deep", "too_deep chain 4 deep; expected at most 3"),
    "an unknown control": Broken("controls.toml", '"8.1" =', "the control A.17.1 is unknown"),
    "a control that nothing supports": Broken(
        "controls.toml", '"10" =', "section 10 names A.8.14, of which no scenario"
    ),
    "a control that no framework can have": Broken("controls.toml", '"A.12.3.1" =', "the control A.12.3.1 is unknown"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with every fault in it."""
    folder = tmp_path_factory.mktemp("project")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room)
    controls = (ROOT / "controls.toml").read_text()
    controls = controls.replace('"8.1" = [', '"8.1" = ["A.17.1", ')
    controls = controls.replace('"10" = [', '"10" = ["A.8.14", ')
    controls = controls.replace('"A.5.14" = {', '"A.12.3.1" = { title = "x", beyond = "y" }\n"A.5.14" = {')
    (folder / "controls.toml").write_text(controls)
    (folder / "features/99-no-gherkin.feature").write_text(
        "Feature: 99. Broken\n  Scenario: X\n    Then y\n  nonsense\n"
    )
    for file, more in ((FEATURE_FILE, FEATURE), (STEP_FILE, STEPS), (CHECK_FILE, CHECKS)):
        with (folder / file).open("a") as opened:
            opened.write(more)
    return folder


@pytest.fixture(scope="module")
def said(copy: Path) -> list[str]:
    """What `runbook lint` says of the copy."""
    done = subprocess.run(
        [sys.executable, "-m", "commands.main", "lint"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == exits.FAILED, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", BROKEN)
def test_each_fault_of_a_copy_is_named_with_its_place(copy: Path, said: list[str], kind: str) -> None:
    broken = BROKEN[kind]
    lines = (copy / broken.file).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if broken.line in text)
    (found,) = [one for one in said if broken.said in one]
    assert found.startswith(f"{broken.file}:{line}: ")
    assert "; expected " in found


def test_nothing_else_is_said_of_the_copy(said: list[str]) -> None:
    assert len(said) == len(BROKEN) + 1
    assert said[-1] == f"{len(BROKEN)} findings"


def test_nothing_is_wrong_with_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["lint"])
    assert capsys.readouterr().out == "nothing is wrong\n"
    assert code == exits.COMPLIANT


ONE, OTHER = Command("id -u"), Command("id -g")


def apart(snapshot: Snapshot) -> object:
    """Three questions one after another that do not need each other."""
    return snapshot.ask(ONE), snapshot.ask(OTHER), snapshot.ask(ONE, OTHER)


def early(snapshot: Snapshot) -> object:
    """Two ways, of which only one is taken."""
    if snapshot.observe(apart):
        return snapshot.ask(ONE.with_values(a=str(snapshot.ask(OTHER.with_values(b="c")))))
    return snapshot.ask(ONE.with_values(a="b"))


def needing(snapshot: Snapshot) -> object:
    """A question for each of what another check saw, by a helper."""
    return [_helper(snapshot, one) for one in str(snapshot.observe(early))]


def _helper(snapshot: Snapshot, one: str) -> object:
    return snapshot.ask(ONE.with_values(a=one))


@pytest.mark.parametrize(("check", "deep"), [(apart, 1), (early, 3), (needing, 4)])
def test_only_what_needs_another_answer_makes_a_chain_deeper(check: FunctionType, deep: int) -> None:
    assert round_trips.depth(check) == deep
    assert len([*round_trips.findings({"it": check})]) == (deep > round_trips.DEEPEST)


def judges() -> None:
    require(ONE, expected="", actual="", section="")


def judges_elsewhere() -> None:
    for _ in "x":
        judges()


def test_a_step_may_judge_in_what_it_calls() -> None:
    assert step_rules.can_fail(judges_elsewhere)
    assert not step_rules.can_fail(_helper)
