"""A healthy server: everything passes, by real evidence, for every account that may look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.model import rights
from runbook.model.outcome import Outcome
from runbook.suite import features
from tests.lab.looking import BUSY_RUNS, CALM_RUNS, Verified, runbook, verify

pytestmark = pytest.mark.only_looks

ROOTS_SECTIONS = {"1", "4.1", "4.3", "5.2", "5.3", "5.4", "5.5", "6.3", "6.4", "7", "8.1", "8.2", "9.2", "10"}


def test_everything_passes_by_evidence(look: Callable[..., Verified]) -> None:
    seen = look()
    assert seen.code == 0, seen.told()
    checks = {one.id for one in features.scenarios_of(features.read()) if "check" in one.tags}
    assert {scenario.id for scenario in seen.run.scenarios} == checks
    assert seen.ids(Outcome.NOT_APPLICABLE) >= {
        "certificate-renewal-is-set-up",
        "certificate-renewal-runs-automatically",
        "a-renewed-certificate-is-reloaded",
    }
    passed = [one for one in seen.run.scenarios if one.outcome is Outcome.PASSED]
    assert all(step.evidence for scenario in passed for step in scenario.steps)
    assert {path.name for path in seen.folder.iterdir()} >= {"run.json", "report.html", "junit.xml", "evidence.jsonl"}


def test_the_last_lines_are_the_verdict_and_the_report(look: Callable[..., Verified]) -> None:
    seen = look()
    verdict, path = seen.screen.rstrip().splitlines()[-2:]
    assert f"as the runbook says · {len(seen.ids(Outcome.PASSED))} passed" in verdict
    assert path == f"Report: {seen.folder / 'report.html'}"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns"])
def test_the_suites_own_zone_and_locale_do_not_matter(look: Callable[..., Verified], zone: str) -> None:
    seen = look(TZ=zone, LC_ALL="ja_JP.UTF-8")
    assert seen.code == 0, seen.told()


@pytest.mark.soak
@pytest.mark.parametrize("_number", range(CALM_RUNS))
def test_no_run_raises_a_false_alarm(_number: int, look: Callable[..., Verified]) -> None:
    seen = look()
    assert seen.code == 0, seen.told()


@pytest.mark.soak
@pytest.mark.usefixtures("two_busy_loops")
@pytest.mark.parametrize("_number", range(BUSY_RUNS))
def test_no_run_beside_busy_loops_raises_a_false_alarm(_number: int, look: Callable[..., Verified]) -> None:
    seen = look()
    assert seen.code == 0, seen.told()


def test_an_account_with_sudo_sees_all_that_root_sees(as_account: Callable[..., Path], reports: Path) -> None:
    seen = verify(as_account("deploy", 'become = "sudo -n"'), reports)
    assert seen.code == 0, seen.told()


def test_an_account_without_sudo_gets_undetermined_with_the_right_that_is_missing(
    as_account: Callable[..., Path], reports: Path
) -> None:
    seen = verify(as_account("deploy"), reports)
    untold = [one for one in seen.run.scenarios if one.outcome is Outcome.UNDETERMINED]
    assert seen.code == 3, seen.told()
    assert not seen.ids(Outcome.FAILED)
    assert {one.section for one in untold} == ROOTS_SECTIONS
    assert {one.missing_right for one in untold if one.because is None} == {rights.ROOT.name}


def test_an_account_without_any_right_fails_nothing(as_account: Callable[..., Path], reports: Path) -> None:
    seen = verify(as_account("guest"), reports)
    untold = [one for one in seen.run.scenarios if one.outcome is Outcome.UNDETERMINED and one.because is None]
    assert seen.code == 3, seen.told()
    assert not seen.ids(Outcome.FAILED), seen.told()
    assert {one.missing_right for one in untold} == {rights.DOCKER.name, rights.ROOT.name, rights.CLONE.name}


def test_an_account_that_may_not_log_in_loses_the_inside_only(as_account: Callable[..., Path], reports: Path) -> None:
    seen = verify(as_account("nobody"), reports)
    assert seen.code == 3
    assert not seen.ids(Outcome.FAILED), seen.told()
    assert {"the-api-is-healthy", "the-certificate-is-trusted"} <= seen.ids(Outcome.PASSED)
    reasons = {one.reason for one in seen.run.scenarios if one.outcome is Outcome.UNDETERMINED and one.because is None}
    assert reasons == {"no SSH connection to the server: the server refused the login"}


def test_the_doctor_tells_right_by_right(as_account: Callable[..., Path]) -> None:
    told = runbook("doctor", "--target", str(as_account("guest")))
    assert told.returncode == 3
    assert [line[0] for line in told.stdout.splitlines() if line[:1] in "✓✗" and line.strip()] == [
        "✓",
        "✓",
        "✗",
        "✗",
        "✗",
        "✓",
        "✓",
    ]
    assert "not checked without it: sections" in told.stdout
    assert "3 of 7 rights are missing" in told.stdout


def test_a_wrong_host_key_is_not_accepted(as_account: Callable[..., Path], reports: Path, tmp_path: Path) -> None:
    target = as_account("root")
    config = tmp_path / "ssh_config"
    text = target.read_text()
    original = Path(text.split('config = "')[1].split('"')[0])
    strange = tmp_path / "known_hosts"
    strange.write_text("")
    config.write_text(original.read_text().replace(str(original.parent / "known_hosts"), str(strange)))
    target.write_text(text.replace(str(original), str(config)))
    seen = verify(target, reports, "--section", "6.3")
    assert seen.code == 3
    assert {one.reason for one in seen.run.scenarios if one.because is None} == {
        "no SSH connection to the server: the server's host key does not match known_hosts"
    }
