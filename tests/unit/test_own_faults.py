"""Whatever escapes is ours and says so: record and exit code tell it apart from what is wrong with the server."""

from __future__ import annotations

import getpass
import os
from concurrent.futures import Future
from pathlib import Path

import pytest

from runbook.model.record import Difference, Origin, Run
from runbook.model.target import Target
from runbook.model.verdict import verdict_of
from runbook.observation.catalogue import Catalogue
from runbook.process import login_name
from runbook.suite import checkout, run
from tests.unit.test_plugin import ran, started, suite

__all__ = ["suite"]

pytest_plugins = ["pytester"]

RULE = "Feature: 9. Things\n@rb-9.1 @check\nRule: 9.1 Small things\n"
HOLDS, FAILS, UNTOLD = (f"Scenario: One\nThen {sentence}" for sentence in (
    "the count is 3", "the count is 4", "the broken answer is read",
))  # fmt: skip
WHOEVER = pytest.mark.parametrize(
    ("scenario", "verdict", "code"),
    [
        (HOLDS, "as the runbook says", 70),
        (FAILS, "not as the runbook says", 1),
        (UNTOLD, "could not be determined", 70),
    ],
    ids=["all holds", "one fails", "one is untold"],
)
"""What a run comes to in which the suite breaks beside the scenarios."""


def broken(suite: pytest.Pytester, hook: str, body: str) -> tuple[str, str]:
    """Options for a plugin whose hook does this."""
    suite.makepyfile(breaking=f"import os, pytest\n@pytest.hookimpl(tryfirst=True)\ndef {hook}:\n    {body}\n")
    return "-p", "breaking"


def ended(suite: pytest.Pytester, scenario: str, *options: str) -> tuple[int, str]:
    """The exit code, and all that was on the screen."""
    result = started(suite, RULE + scenario, "--target=target.toml", *options)
    return int(result.ret), result.stdout.str() + result.stderr.str()


@WHOEVER
def test_where_no_folder_can_be_made_the_verdict_is_on_the_screen(
    suite: pytest.Pytester, scenario: str, verdict: str, code: int
) -> None:
    ended_with, screen = ended(suite, scenario, "--reports=/proc/nowhere")
    assert ended_with == code
    assert f" here: {verdict} · " in screen
    assert f"the record cannot be written: /proc/nowhere: No such file or directory → exit {code}" in screen
    assert "Traceback" not in screen
    assert "INTERNALERROR" not in screen


@WHOEVER
def test_where_the_record_cannot_be_written_the_verdict_is_on_the_screen(
    suite: pytest.Pytester, scenario: str, verdict: str, code: int
) -> None:
    options = broken(suite, "pytest_runbook_finished(run, folder)", "open(folder / 'not' / 'there', 'w')")
    ended_with, screen = ended(suite, scenario, *options)
    (folder,) = Path(suite.path, "reports").iterdir()
    assert ended_with == code
    assert f" here: {verdict} · " in screen
    assert f"not everything can be written in {folder}: {folder}/not/there: No such file or directory" in screen
    assert f"No complete report: {folder}" in screen


@WHOEVER
@pytest.mark.parametrize(
    ("hook", "when"),
    [
        ("pytest_runbook_changes(run, reports)", "True"),
        ("pytest_runbook_controls()", "True"),
        ("pytest_runbook_ending(running)", "True"),
        ("pytest_runtest_logreport(report)", "report.when == 'teardown'"),
    ],
)
def test_what_breaks_beside_the_scenarios_stands_in_the_record_with_its_trace(
    suite: pytest.Pytester, scenario: str, verdict: str, code: int, hook: str, when: str
) -> None:
    options = broken(suite, hook, f"if {when}: raise RuntimeError('a table changed while it was read')")
    ended_with, record = ran(suite, scenario, *options)
    (folder,) = Path(suite.path, "reports").iterdir()
    assert (ended_with, verdict_of(record)) == (code, verdict)
    (fault,) = record.own_faults
    assert "RuntimeError: a table changed while it was read" in fault
    assert "breaking.py" in (folder / "own-fault-1.txt").read_text()


@pytest.mark.parametrize(("scenario", "code"), [(HOLDS, 70), (FAILS, 1), (UNTOLD, 70)])
def test_what_breaks_of_another_plugin_at_the_end_does_not_change_what_failed(
    suite: pytest.Pytester, scenario: str, code: int
) -> None:
    options = broken(suite, "pytest_sessionfinish(session)", "raise RuntimeError('another plugin')")
    ended_with, screen = ended(suite, scenario, *options)
    assert ended_with == code
    assert "RuntimeError: another plugin" in screen


def test_what_breaks_before_anything_is_asked_is_ours_in_one_sentence(suite: pytest.Pytester) -> None:
    options = broken(suite, "pytest_runbook_catalogue()", "raise RuntimeError('no catalogue')")
    code, screen = ended(suite, HOLDS, *options)
    assert code == 70
    assert "RuntimeError: no catalogue" in screen
    assert not Path(suite.path, "reports").exists()


def test_evidence_that_cannot_be_written_decides_nothing_and_is_told(suite: pytest.Pytester) -> None:
    full = "os.dup2(os.open('/dev/full', os.O_WRONLY), running.evidence._file)"
    options = broken(suite, "pytest_runbook_begun(running)", full)
    code, record = ran(suite, "Scenario: One\nThen the count is 3", *options)
    (folder,) = Path(suite.path, "reports").iterdir()
    assert code == 0
    assert record.evidence_incomplete == "evidence.jsonl ends before exchange 1: No space left on device"
    assert len(record.exchanges) == 2
    assert (folder / "evidence.jsonl").read_text() == ""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_that_only_looks_with_its_record(suite: pytest.Pytester, signal: str) -> None:
    suite.makeconftest(
        Path(suite.path, "conftest.py").read_text()
        + "\nimport os, signal\nfrom pytest_bdd import then\n"
        + f'@then("a signal comes")\ndef signal_comes():\n    os.kill(os.getpid(), signal.{signal})\n'
        + f"    os.kill(os.getpid(), signal.{signal})\n"
    )
    three = (
        "Scenario: One\nThen the count is 3\nScenario: Two\nThen a signal comes\nScenario: Three\nThen the count is 3"
    )
    code, record = ran(suite, three)
    assert (code, record.own_faults) == (130, ())
    assert [(one.id, one.outcome) for one in record.scenarios] == [("one", "passed"), ("two", "undetermined")]


def test_a_folder_for_runs_that_leads_nowhere_is_told_and_not_tried_for_ever(suite: pytest.Pytester) -> None:
    Path(suite.path, "reports").symlink_to("/nowhere/at/all")
    code, screen = ended(suite, HOLDS)
    assert code == 70
    assert f"the record cannot be written: {suite.path}/reports: File exists" in screen


def test_half_a_character_that_a_server_says_is_one_that_can_be_written(suite: pytest.Pytester) -> None:
    looking = Path(suite.path, "looking.py")
    looking.write_text(
        looking.read_text().replace('.required("the count").out)', '.required("the count").out) and "\\ud800"')
    )
    code, record = ran(suite, "Scenario: One\nThen the count is 3")
    difference = record.scenarios[0].steps[0].difference
    assert (code, difference and difference.seen) == (1, "\N{REPLACEMENT CHARACTER} things")


def test_half_a_character_is_refused_nowhere_in_a_record() -> None:
    told = Difference(expected="one", seen="half of \ud83d, whole \U0001f600", go_to="9")
    assert told.seen == "half of \N{REPLACEMENT CHARACTER}, whole \U0001f600"
    assert Difference.model_validate_json(told.model_dump_json()) == told


def test_an_account_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert login_name.operator() == f"uid {os.getuid()}"


@pytest.mark.parametrize(
    "git",
    [None, "exit 128", "exec tail -f /dev/null", "printf '\\377'"],
    ids=["missing", "dubious ownership", "slow", "no text"],
)
def test_a_git_that_does_not_tell_is_not_taken_for_a_clean_commit(
    git: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if git is not None:
        (tmp_path / "git").write_text(f"#!/bin/sh\n{git}\n")
        (tmp_path / "git").chmod(0o755)
    monkeypatch.setattr(checkout, "GIT_SECONDS", 0.2)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin" if git else str(tmp_path))
    assert checkout.checkout() == checkout.Checkout(commit=None, uncommitted_changes=None)


def test_a_page_that_somebody_waits_for_does_not_wait_for_git(tmp_path: Path) -> None:
    here = {"name": "here", "environment": "staging", "address": "127.0.0.1", "domain": "service.example"}
    target = Target.model_validate({**here, "ssh": {"local": True}})
    running = run.start_run(target, "triage", tmp_path, Catalogue({}, {}), 1, 1)
    running.checkout = Future()  # as on a disk that does not answer
    try:
        assert running.record().origin.uncommitted_changes is None
    finally:
        running.hang_up()


def test_what_git_did_not_tell_stands_so_in_the_record() -> None:
    origin = {"command": "runbook", "operator": "hanako", "runner": "laptop", "suite_version": "1", "python": "3.11"}
    known = Origin.model_validate({**origin, "commit": None, "uncommitted_changes": None})
    assert known.uncommitted_changes is None


def test_pytest_walks_no_loggers_while_threads_make_some(request: pytest.FixtureRequest) -> None:
    assert not request.config.pluginmanager.hasplugin("logging-plugin")


def test_a_record_is_for_the_account_alone_that_made_it(suite: pytest.Pytester) -> None:
    _, record = ran(suite, HOLDS)
    folder = Path(suite.path, "reports", record.id)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "evidence.jsonl").stat().st_mode & 0o777 == 0o600
    assert isinstance(record, Run)
