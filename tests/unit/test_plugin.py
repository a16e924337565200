"""From a feature to the record and the exit code, on this machine itself by its own shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook.model import renamed
from runbook.model.outcome import ReasonCode
from runbook.model.record import Run, Scenario
from runbook.model.verdict import consequences, root_causes
from tests.unit import report_example as example

pytest_plugins = ["pytester"]

TARGET = """\
name = "here"
environment = "staging"
address = "127.0.0.1"
domain = "service.example"
[ssh]
local = true
"""

CONFTEST = """\
import sys
from pathlib import Path

import pytest

from runbook.observation import catalogue
import looking

pytest_plugins = ["runbook.suite.plugin", "sentences"]
CATALOGUE = catalogue.read([looking])
globals().update(CATALOGUE.fixtures())

def pytest_runbook_catalogue():
    return CATALOGUE

def pytest_runbook_changes(run, reports):
    from reporting.history import changes_of
    return changes_of(run, reports)

def pytest_runbook_finished(run, folder):
    path = folder / "run.json"
    path.write_text(run.model_dump_json())
    return path
"""

LOOKING = """\
from runbook.observation.snapshot import Snapshot, reading
from runbook.model.question import Command

COUNT = Command("echo 3")
LATE = Command("echo late")
BROKEN = Command("echo three")
HIDDEN = Command("echo 'x: Permission denied' >&2; exit 1")
SLOW = Command("exec tail -f /dev/null", seconds=0.3)

def count(snapshot: Snapshot) -> int:
    return int(snapshot.ask(COUNT).required("the count").out)

def broken(snapshot: Snapshot) -> int:
    with reading("the count"):
        return int(snapshot.ask(BROKEN).out)

def hidden(snapshot: Snapshot) -> str:
    return snapshot.ask(HIDDEN).out

def out_of_time(snapshot: Snapshot) -> str:
    snapshot.end_at(0.0)
    return snapshot.ask(LATE).out

def slow(snapshot: Snapshot) -> str:
    return snapshot.ask(SLOW).out

def faulty(snapshot: Snapshot) -> int:
    return snapshot.nonsense
"""

SENTENCES = """\
from pytest_bdd import parsers, then

from runbook.model.outcome import NotApplicable, require

@then(parsers.parse("the count is {expected:d}"))
def count_is(count, expected):
    require(count == expected, expected=f"{expected} things", actual=f"{count} things", section="9")

@then("the broken answer is read")
def read_broken(broken): ...

@then("the hidden thing is seen")
def see_hidden(hidden): ...

@then("the slow answer comes")
def wait_for_slow(slow): ...

@then("the time of the look is over")
def is_over(out_of_time): ...

@then("the suite breaks")
def breaks(faulty): ...

@then("it does not matter here")
def does_not_matter():
    raise NotApplicable("there is no such thing here")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A small suite: one check module, one step module, a target."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(looking=LOOKING, sentences=SENTENCES)
    pytester.makefile(".toml", target=TARGET)
    pytester.syspathinsert()
    return pytester


def started(suite: pytest.Pytester, feature: str, *options: str) -> pytest.RunResult:
    """Run pytest on this feature, without the plugins that it does not need."""
    suite.makefile(".feature", one=feature)
    return suite.runpytest_inprocess("--disable-plugin-autoload", "-ppytest_bdd.plugin", *options, "one.feature")


def ran(suite: pytest.Pytester, scenarios: str, *options: str) -> tuple[int, Run]:
    """Run these scenarios; the exit code and the record."""
    rule = "Feature: 9. Things\n@rb-9.1 @check\nRule: 9.1 Small things\n"
    result = started(suite, rule + scenarios, "--target=target.toml", *options)
    (record,) = Path(suite.path, "reports").glob("*/run.json")
    run = Run.model_validate_json(record.read_text())
    assert run.exit_code == result.ret
    return int(result.ret), run


def test_what_holds_has_passed_and_rests_on_its_evidence(suite: pytest.Pytester) -> None:
    code, run = ran(suite, "@minor\nScenario: Three things\nThen the count is 3")
    (scenario,) = run.scenarios
    assert code == 0
    assert (scenario.id, scenario.outcome, scenario.severity) == ("three-things", "passed", "minor")
    assert (scenario.section, scenario.section_title) == ("9.1", "Small things")
    exchange, journal = sorted(run.exchanges, key=lambda one: one.question != "looking.COUNT")
    assert journal.question == "journal.OPEN"
    assert scenario.steps[0].evidence == (exchange.sequence,)
    assert (exchange.question, exchange.asked, exchange.answer) == ("looking.COUNT", "echo 3", "3\n")


def test_what_does_not_hold_says_what_was_expected_seen_and_where_to_go(suite: pytest.Pytester) -> None:
    code, run = ran(suite, "Scenario: Four things\nThen the count is 4\nThen the count is 3")
    failing, not_reached = run.scenarios[0].steps
    assert code == 1
    assert failing.difference is not None
    assert failing.difference.model_dump() == {"expected": "4 things", "seen": "3 things", "go_to": "9"}
    assert not_reached.outcome is None


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("the broken answer is read", "the count could not be read: ValueError"),
        ("the hidden thing is seen", "not allowed: x: Permission denied (missing right: login"),
        ("the slow answer comes", "no answer within 0.3 s"),
    ],
)
def test_what_could_not_be_told_is_undetermined_with_the_reason(
    suite: pytest.Pytester, sentence: str, reason: str
) -> None:
    code, run = ran(suite, f"Scenario: Something\nThen {sentence}")
    assert (code, run.scenarios[0].outcome) == (3, "undetermined")
    assert (run.scenarios[0].reason or "").startswith(reason)
    assert run.scenarios[0].reason_code is None, "nothing goes by it"


def test_why_it_could_not_be_told_stands_in_the_record_for_programs_too(suite: pytest.Pytester) -> None:
    _, run = ran(suite, "Scenario: Late\nThen the time of the look is over")
    assert run.scenarios[0].reason_code is ReasonCode.OUT_OF_TIME


def test_a_record_from_before_there_were_codes_still_loads() -> None:
    (older,) = example.run([example.scenario("Redis is up", "2.2")]).model_dump(mode="json")["scenarios"]
    del older["reason_code"]
    assert Scenario.model_validate_json(json.dumps(older)).reason_code is None


def test_what_has_no_object_is_not_applicable_and_compliant(suite: pytest.Pytester) -> None:
    code, run = ran(suite, "Scenario: Something\nThen it does not matter here")
    assert (code, run.scenarios[0].outcome) == (0, "not applicable")
    assert run.scenarios[0].reason == "there is no such thing here"


def test_a_fault_of_the_suite_is_told_apart_and_its_trace_kept(suite: pytest.Pytester) -> None:
    code, run = ran(suite, "Scenario: Something\nThen the suite breaks")
    assert (code, run.scenarios[0].outcome, run.scenarios[0].own_fault) == (70, "undetermined", True)
    assert "nonsense" in (Path(suite.path, "reports", run.id) / "own-fault-something.txt").read_text()


def test_a_sentence_without_a_meaning_is_the_suites_own_fault(suite: pytest.Pytester) -> None:
    code, run = ran(suite, "Scenario: Something\nThen nobody knows what this means")
    assert (code, run.scenarios[0].own_fault) == (70, True)


def test_one_cause_is_one_red(suite: pytest.Pytester) -> None:
    code, run = ran(
        suite,
        "@depends-on-the-base\nScenario: Above\nThen the count is 3\n"
        "@depends-on-above\nScenario: On top\nThen the count is 3\n"
        "Scenario: The base\nThen the count is 4\n",
    )
    outcomes = {scenario.id: (scenario.outcome, scenario.because) for scenario in run.scenarios}
    assert code == 1
    assert outcomes == {
        "the-base": ("failed", None),
        "above": ("undetermined", "the-base"),
        "on-top": ("undetermined", "above"),
    }
    (cause,) = root_causes(run)
    assert [scenario.id for scenario in consequences(run, cause)] == ["above", "on-top"]


@pytest.mark.parametrize(
    ("base", "above"),
    [
        ("the count is 4", ("undetermined", "the-base")),
        ("the slow answer comes", ("passed", None)),
        ("the count is 3", ("passed", None)),
    ],
)
def test_what_follows_from_a_failure_is_told_alone_where_there_is_none(
    suite: pytest.Pytester, base: str, above: tuple[str, str | None]
) -> None:
    _, run = ran(
        suite, f"@explained-by-the-base\nScenario: Above\nThen the count is 3\nScenario: The base\nThen {base}\n"
    )
    outcomes = {scenario.id: (scenario.outcome, scenario.because) for scenario in run.scenarios}
    assert outcomes["above"] == above


def test_a_question_of_several_scenarios_is_asked_once(suite: pytest.Pytester) -> None:
    _, run = ran(suite, "Scenario: One\nThen the count is 3\nScenario: Two\nThen the count is 3")
    assert sorted(one.question for one in run.exchanges) == ["journal.OPEN", "looking.COUNT"]


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_stopping_early_never_turns_a_failure_into_a_success(suite: pytest.Pytester, option: str) -> None:
    code, run = ran(suite, "Scenario: One\nThen the count is 4\nScenario: Two\nThen the count is 3", option)
    assert (code, len(run.scenarios), run.selected) == (1, 1, 2)


def test_only_a_failure_among_undetermined_ones_is_1(suite: pytest.Pytester) -> None:
    code, _ = ran(suite, "Scenario: One\nThen the slow answer comes\nScenario: Two\nThen the count is 4")
    assert code == 1


def test_a_plan_asks_nothing(suite: pytest.Pytester) -> None:
    result = started(
        suite, "Feature: F\n@rb-9.1\nScenario: One\nThen the slow answer comes", "--target=target.toml", "--plan"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["looking.SLOW  inside · needs login · at most 0.3 s · for 9.1", "4 questions; none was asked."]
    )
    assert not Path(suite.path, "reports").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "no target: say which server with --target NAME or --target FILE"),
        (
            ["--target=none.toml"],
            "none.toml: cannot be read (No such file or directory); expected a target file (TOML)",
        ),
        (["--target=target.toml", "-m", "gate"], "no scenario was selected: nothing was asked"),
    ],
)
def test_wrong_use_is_2_and_says_why(suite: pytest.Pytester, options: list[str], sentence: str) -> None:
    result = started(suite, "Feature: F\n@rb-9.1\nScenario: One\nThen the count is 3", *options)
    assert result.ret == 2
    assert sentence in result.stdout.str() + result.stderr.str()


def test_an_unknown_tag_is_refused(suite: pytest.Pytester) -> None:
    result = started(suite, "Feature: F\n@urgent\nScenario: One\nThen the count is 3", "--target=target.toml")
    assert result.ret == 70
    assert "tag @urgent is unknown" in result.stdout.str() + result.stderr.str()


def test_an_old_tag_is_refused_with_the_one_of_today(suite: pytest.Pytester) -> None:
    result = started(
        suite,
        "Feature: F\n@needs-one-release-runs\nScenario: One\nThen the count is 3",
        "--target=target.toml",
    )
    assert "@needs-one-release-runs is called @depends-on-exactly-one-release-runs now" in (
        result.stdout.str() + result.stderr.str()
    )


@pytest.mark.parametrize("option", ["-k", "-m"])
@pytest.mark.parametrize("name", ["exactly-one-release-runs", "one-release-runs"])
def test_a_scenario_is_selected_by_its_id_of_today_or_of_before(suite: pytest.Pytester, option: str, name: str) -> None:
    renamed.say.cache_clear()
    rule = "Feature: 9. Things\n@rb-9.1 @check\nRule: 9.1 Small things\n"
    scenarios = "Scenario: Exactly one release runs\nThen the count is 3\nScenario: Another\nThen the count is 3\n"
    result = started(suite, rule + scenarios, "--target=target.toml", option, name)
    (record,) = Path(suite.path, "reports").glob("*/run.json")
    assert [one.id for one in Run.model_validate_json(record.read_text()).scenarios] == ["exactly-one-release-runs"]
    said = "the scenario one-release-runs is called exactly-one-release-runs now"
    assert result.stderr.str().count(said) == (name == "one-release-runs")


def test_a_chapter_selects_its_sections(suite: pytest.Pytester) -> None:
    code, run = ran(suite, "Scenario: One\nThen the count is 3", "-m", "rb-9")
    assert (code, len(run.scenarios)) == (0, 1)


def test_what_could_not_be_told_for_one_reason_is_one_cause(suite: pytest.Pytester) -> None:
    _, run = ran(
        suite,
        "@minor\nScenario: One\nThen the hidden thing is seen\n"
        "@critical\nScenario: Two\nThen the hidden thing is seen\n"
        "@depends-on-one\nScenario: On one\nThen the count is 3\n"
        "Scenario: Three\nThen the slow answer comes\n",
    )
    causes = {cause.id: [one.id for one in consequences(run, cause)] for cause in root_causes(run)}
    assert causes == {"two": ["one", "on-one"], "three": []}


def test_a_run_says_what_changed_since_the_one_before_it(suite: pytest.Pytester) -> None:
    feature = "Feature: 9. Things\n@rb-9.1 @check\nRule: 9.1 Small things\nScenario: One\nThen the count is 3"
    started(suite, feature, "--target=target.toml")
    (before,) = Path(suite.path, "reports").glob("*/run.json")
    before.write_text(before.read_text().replace('"outcome":"passed"', '"outcome":"failed"'))

    result = started(suite, feature, "--target=target.toml")

    (record,) = set(Path(suite.path, "reports").glob("*/run.json")) - {before}
    changes = Run.model_validate_json(record.read_text()).changes
    assert changes
    assert changes.earlier
    assert changes.earlier.id == before.parent.name
    assert [(one.id, one.kind) for one in changes.scenarios] == [("one", "healed")]
    result.stdout.fnmatch_lines(["Since the run before, on * UTC: 1 healed", "*as the runbook says*", "Report: *"])
