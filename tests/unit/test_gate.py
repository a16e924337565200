"""Before a deploy: what decides, what an override lets through, how long it may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reporting import html
from runbook.model.exits import Event
from runbook.model.outcome import Outcome, Undetermined
from runbook.model.question import Command
from runbook.model.record import Override, Run, Scenario
from runbook.model.target import Target
from runbook.model.verdict import overridden, root_causes, verdict_of
from runbook.observation.catalogue import Catalogue
from runbook.observation.snapshot import OUT_OF_TIME, Snapshot
from runbook.suite.run import GATE_SECONDS, ActiveRun, Kind, start_run
from tests.unit import report_example as example

OVERRIDE = Override(reason="the fix itself", by="Hanako")
TARGET = Target.model_validate(
    {
        "name": "here",
        "environment": "staging",
        "address": "127.0.0.1",
        "domain": "service.example",
        "ssh": {"local": True},
    }
)
HANGS = Command("exec tail -f /dev/null", seconds=600)


class Runs:
    """Makes runs, and hangs up what they opened."""

    def __init__(self, reports: Path) -> None:
        self._reports = reports
        self._begun: list[ActiveRun] = []

    def of(self, *scenarios: Scenario, kind: Kind = "gate", override: Override | None = None) -> ActiveRun:
        running = start_run(TARGET, kind, self._reports, Catalogue({}, {}), 9, len(scenarios), override)
        running.scenarios += scenarios
        self._begun.append(running)
        return running

    def close(self) -> None:
        for running in self._begun:
            running.observer.close()
            running.evidence.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    made.close()


def decisive(outcome: Outcome) -> Scenario:
    """A scenario that a deploy waits for."""
    return example.scenario("One", "4.1", outcome, reason="why").model_copy(update={"tags": ("gate",)})


def beside(outcome: Outcome) -> Scenario:
    """One that is shown beside it."""
    return example.scenario("Other", "2.1", outcome, reason="why")


def recorded(*scenarios: Scenario, exit_code: int = 0, override: Override | None = None) -> Run:
    run = example.run(scenarios, exit_code=exit_code)
    return run.model_copy(update={"kind": "gate", "override": override})


PASSED, FAILED, UNTOLD = Outcome.PASSED, Outcome.FAILED, Outcome.UNDETERMINED


@pytest.mark.parametrize(
    ("outcome", "override", "code", "verdict"),
    [
        (PASSED, None, 0, "safe to deploy"),
        (FAILED, None, 1, "not safe to deploy"),
        (UNTOLD, None, 3, "undetermined: do not deploy"),
        (PASSED, OVERRIDE, 0, "safe to deploy"),
        (FAILED, OVERRIDE, 0, "let through by an override"),
        (UNTOLD, OVERRIDE, 3, "undetermined: do not deploy"),
    ],
)
def test_what_decides_and_what_an_override_changes(
    runs: Runs, outcome: Outcome, override: Override | None, code: int, verdict: str
) -> None:
    scenarios = (decisive(outcome), beside(PASSED))
    assert runs.of(*scenarios, override=override).exit_code() == code
    assert verdict_of(recorded(*scenarios, exit_code=code, override=override)) == verdict


def test_what_an_override_lets_through_does_not_cover_what_could_not_be_told(runs: Runs) -> None:
    scenarios = (decisive(FAILED), decisive(UNTOLD))
    assert runs.of(*scenarios, override=OVERRIDE).exit_code() == 3
    assert verdict_of(recorded(*scenarios, exit_code=3, override=OVERRIDE)) == "undetermined: do not deploy"


def test_what_the_run_learns_to_be_a_secret_is_masked_in_its_command_too(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["runbook", "gate", "--override", "correct-horse"])
    running = runs.of(decisive(PASSED))
    running.redactor.learn("correct-horse")
    assert running.finish().origin.command == "runbook gate --override [redacted]"


@pytest.mark.parametrize("outcome", [FAILED, UNTOLD])
def test_what_stands_beside_decides_nothing(runs: Runs, outcome: Outcome) -> None:
    scenarios = (decisive(PASSED), beside(outcome))
    assert runs.of(*scenarios).exit_code() == 0
    run = recorded(*scenarios)
    assert verdict_of(run) == "safe to deploy"
    assert [cause.name for cause in root_causes(run)] == ["Other"]


def test_in_any_other_run_everything_decides(runs: Runs) -> None:
    assert runs.of(decisive(PASSED), beside(FAILED), kind="verify").exit_code() == 1


def test_what_decides_comes_before_what_does_not() -> None:
    worse = beside(FAILED).model_copy(update={"severity": "critical"})
    assert [one.name for one in root_causes(recorded(worse, decisive(UNTOLD), exit_code=3))] == ["One", "Other"]


def test_a_gate_in_which_nothing_decides_is_not_open(runs: Runs) -> None:
    assert runs.of(beside(PASSED)).exit_code() == 2
    assert verdict_of(recorded(beside(PASSED), exit_code=2)) != "safe to deploy"


@pytest.mark.parametrize("event", [Event.INTERRUPTED, Event.INTERNAL_ERROR, Event.REFUSED])
def test_no_override_lets_through_a_run_that_did_not_come_to_its_end(runs: Runs, event: Event) -> None:
    running = runs.of(decisive(FAILED), override=OVERRIDE)
    running.events.add(event)
    assert running.exit_code() != 0


def test_an_unfinished_gate_is_not_open(runs: Runs) -> None:
    running = runs.of(decisive(FAILED), override=OVERRIDE)
    running.selected += 1
    assert running.exit_code() == 130


def test_an_override_is_in_the_record(runs: Runs) -> None:
    run = runs.of(decisive(FAILED), override=OVERRIDE).finish()
    assert run.override == OVERRIDE
    assert [one.id for one in overridden(run)] == ["one"]
    assert Run.model_validate_json(run.model_dump_json()) == run


def test_a_secret_in_an_override_does_not_come_into_the_record(runs: Runs) -> None:
    override = Override(reason="password=hunter2hunter2", by="hanako@psyfit.example")
    run = runs.of(decisive(FAILED), override=override).finish()
    assert run.override == Override(reason="password=[redacted]", by="[redacted]")


def test_the_look_before_a_deploy_ends_in_time_whatever_a_question_may_take(runs: Runs) -> None:
    snapshot = Snapshot(runs.of(decisive(PASSED)).observer, 0.2)
    began = time.monotonic()
    with pytest.raises(Undetermined, match=r"no answer within the time that the whole look may take \(0\.2 s\)"):
        snapshot.ask(HANGS)
    assert time.monotonic() - began < 2
    assert GATE_SECONDS < 60


def test_a_look_that_is_told_when_to_end_ends_then(runs: Runs) -> None:
    snapshot = Snapshot(runs.of(decisive(PASSED)).observer)
    began = time.monotonic()
    snapshot.end_at(began + 0.2)
    with pytest.raises(Undetermined, match=OUT_OF_TIME):
        snapshot.ask(HANGS)
    assert time.monotonic() - began < 2


def test_what_the_gate_waits_for_makes_a_deploy_unsafe_and_is_nothing_that_a_deploy_repairs() -> None:
    """The list of the contract, by the features' own tags."""
    assert gate_scenarios() == {
        "2.2": ["There is a release to roll back to"],
        "4.1": [
            "There is disk space for another release",
            "No deploy is in progress",
            "No backup is in progress",
            "No drill is in progress",
        ],
        "4.2": ["The clone is clean", "The clone is up to date with its origin"],
        "4.3": ["No migration is in progress"],
        "5.2": ["There are backups", "The newest backup is intact", "The newest backup is fresh"],
        "8.1": [
            "The releases have the required secrets",
            "Both releases have the same secrets",
            "The next release gets the required secrets",
        ],
    }


def gate_scenarios() -> dict[str, list[str]]:
    """The names of the scenarios tagged @gate, by section, in the features' order."""
    found: dict[str, list[str]] = {}
    for path in sorted((Path(__file__).parents[2] / "features").glob("*.feature")):
        section, tags = "", ""
        for line in map(str.strip, path.read_text().splitlines()):
            if line.startswith("Rule: "):
                section = line.split()[1]
            elif line.startswith("Scenario: ") and "@gate" in tags.split():
                found.setdefault(section, []).append(line.removeprefix("Scenario: "))
            tags = line if line.startswith("@") else ""
    return found


# The report


def test_the_report_says_who_let_it_through_why_and_what() -> None:
    page = html.render(recorded(decisive(FAILED), override=OVERRIDE))
    assert "Let through by an override" in page
    assert "Override by Hanako: the fix itself. Let through: One." in page


def test_the_report_marks_what_does_not_decide_and_only_that() -> None:
    page = html.render(recorded(decisive(FAILED), beside(FAILED), exit_code=1))
    assert "Not safe to deploy" in page
    assert page.count("informational, does not block") == 1
    assert "does not decide" not in html.render(example.troubled())
