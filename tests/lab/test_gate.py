"""Before a deploy: green on a healthy server, red for each of its reasons, and deaf to what the server shouts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import faults
from lab.provisioning import GIT
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.record import Run
from runbook.model.verdict import gating
from tests.lab.looking import ROOT, runbook
from tests.unit.test_gate import gate_scenarios
from tests.unit.test_github import Runner

LONGEST_SECONDS = 60
HOSTILE_BYTES = 10_000_000
SHOUTS = r"::error title=owned::owned\033[31m\033]0;owned\007 ##[set-env name=PATH]/tmp"

# The origin answers with 10 MB of lines that would be commands, and ends badly; so does the log that the monitor left.
SHOUTING = rf"""
set -eu
cat > /run/shouting-origin <<'END'
#!/bin/sh
yes "$(printf '{SHOUTS}')" | head -c {HOSTILE_BYTES} >&2
printf '\n{SHOUTS}\n' >&2
exit 128
END
chmod 755 /run/shouting-origin
sudo -n -u deploy git -C /var/www/psyfit config remote.origin.uploadpack /run/shouting-origin
touch "/var/www/psyfit/::error title=owned,file=x::owned"
cp --preserve=all /var/log/psyfit-monitor.log /run/monitor.log
yes "$(printf '{SHOUTS}')" | head -c {HOSTILE_BYTES} >> /var/log/psyfit-monitor.log
"""
QUIET = """
sudo -n -u deploy git -C /var/www/psyfit config --unset remote.origin.uploadpack
rm -f /run/shouting-origin /var/www/psyfit/::error*
[ ! -e /run/monitor.log ] || cp --preserve=all /run/monitor.log /var/log/psyfit-monitor.log
rm -f /run/monitor.log
"""


@dataclass(frozen=True)
class Gated:
    """One run of the gate: its exit code, its record, its folder, what was on the screen, and how long it took."""

    code: int
    run: Run
    folder: Path
    screen: str
    seconds: float

    def gate(self, outcome: Outcome) -> set[str]:
        """The deciding scenarios that came to this outcome."""
        return {one.id for one in gating(self.run) if one.outcome is outcome}


Gate = Callable[..., Gated]


def gated(target: Path, reports: Path, *options: str, **environment: str) -> Gated:
    """``runbook gate`` in a process of its own; not in Actions, unless the environment says so."""
    before = set(reports.iterdir())
    began = time.monotonic()
    outside = {name: "" for name in os.environ if name.startswith("GITHUB_")}
    done = runbook("gate", "--target", str(target), "--reports", str(reports), *options, **(outside | environment))
    seconds = time.monotonic() - began
    made = set(reports.iterdir()) - before
    assert len(made) == 1, f"no run was recorded; exit {done.returncode}\n{done.stdout}{done.stderr}"
    (folder,) = made
    run = Run.model_validate_json((folder / "run.json").read_text())
    assert run.exit_code == done.returncode, done.stdout + done.stderr
    assert seconds < LONGEST_SECONDS
    return Gated(done.returncode, run, folder, done.stdout + done.stderr, seconds)


@pytest.fixture(scope="module")
def gate(lab: Server, reports: Path) -> Gate:
    """The gate before a deploy on the lab, as root."""
    return lambda *options, **environment: gated(lab.state / "target.toml", reports, *options, **environment)


@pytest.fixture
def fault(lab: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The fault that the test is about, for as long as it runs."""
    name: str = request.param
    try:
        faults.inject(lab, name)
        yield name
    finally:
        faults.heal(lab, name)


@pytest.mark.only_looks
def test_a_healthy_server_is_safe_to_deploy_to(gate: Gate) -> None:
    seen = gate()
    assert seen.code == 0, seen.screen
    names = [one.name for one in gating(seen.run)]
    assert sorted(names) == sorted(name for section in gate_scenarios().values() for name in section)
    assert seen.gate(Outcome.PASSED) == {one.id for one in gating(seen.run)}
    assert {one.section.partition(".")[0] for one in seen.run.scenarios} == {"2", "4", "5", "6", "7", "8"}
    assert all(step.evidence for one in gating(seen.run) for step in one.steps)
    assert "safe to deploy" in seen.screen.splitlines()[-2]


@pytest.mark.only_looks
def test_it_reads_the_newest_backup_and_no_other(gate: Gate) -> None:
    read = [one for one in gate().run.exchanges if one.question.endswith(".READ")]
    assert len(read) == 1


REASONS = {
    "no room for another image": "docker-disk-too-small",
    "no fresh backup": "backup-old",
    "no whole backup": "backup-newest-truncated",
    "no release to roll back to": "no-release-to-roll-back-to",
    "a deploy": "deploy-lock-held",
    "a migration": "migration-in-progress",
    "a backup": "backup-lock-held",
    "a drill": "drill-in-progress",
    "a drill left open": "drill-left-open",
    "a changed clone": "clone-modified",
    "a clone behind its origin": "clone-behind-origin",
    "a variable that is missing": "old-release-lacks-variable",
    "a variable that differs": "old-release-has-previous-key",
    "a secret without a value": "secrets-lack-variable",
}


@pytest.mark.parametrize("fault", REASONS.values(), ids=REASONS.keys(), indirect=True)
def test_it_is_red_for_each_of_its_reasons(gate: Gate, fault: str) -> None:
    seen = gate()
    expected = faults.describe(fault)
    decisive = {one.id for one in gating(seen.run)}
    assert seen.code == 1, seen.screen
    assert seen.gate(Outcome.FAILED) == expected.fails & decisive
    assert seen.gate(Outcome.UNDETERMINED) == expected.undetermined & decisive
    assert "not safe to deploy" in seen.screen.splitlines()[-2]


@pytest.mark.parametrize("fault", ["proxy-paused", "certificate-10-days-left", "crontab-line-missing"], indirect=True)
def test_what_a_deploy_may_repair_is_shown_and_does_not_decide(gate: Gate, fault: str) -> None:
    seen = gate()
    assert seen.code == 0, seen.screen
    assert {one.id for one in seen.run.scenarios if one.outcome is Outcome.FAILED} == faults.describe(fault).fails
    assert "informational, does not block" in " ".join(seen.screen.split())
    assert "safe to deploy" in seen.screen.splitlines()[-2]


@pytest.mark.parametrize("fault", ["clone-modified"], indirect=True)
@pytest.mark.usefixtures("fault")
def test_an_override_lets_through_what_failed_and_says_so_everywhere(gate: Gate) -> None:
    seen = gate("--override", "the edit is the fix", "--by", "Hanako")
    assert seen.code == 0, seen.screen
    assert seen.run.override is not None
    assert (seen.run.override.reason, seen.run.override.by) == ("the edit is the fix", "Hanako")
    assert seen.gate(Outcome.FAILED) == {"the-clone-is-clean"}
    for told in (seen.screen, (seen.folder / "report.html").read_text()):
        assert "Override by Hanako: the edit is the fix" in " ".join(told.split())
    assert "let through by an override" in seen.screen.splitlines()[-2]


@pytest.mark.parametrize("fault", ["origin-unreachable"], indirect=True)
@pytest.mark.usefixtures("fault")
def test_what_could_not_be_told_blocks_and_no_override_helps(gate: Gate) -> None:
    for options in ((), ("--override", "I know", "--by", "Hanako")):
        seen = gate(*options)
        assert seen.code == 3, seen.screen
        assert seen.gate(Outcome.UNDETERMINED) == {"the-clone-is-up-to-date-with-its-origin"}


@pytest.mark.only_looks
def test_an_account_that_may_not_look_is_not_let_through(as_account: Callable[..., Path], reports: Path) -> None:
    seen = gated(as_account("deploy"), reports)
    assert seen.code == 3, seen.screen
    assert not seen.gate(Outcome.FAILED), seen.screen


@pytest.mark.only_looks
def test_an_account_with_sudo_sees_all(as_account: Callable[..., Path], reports: Path) -> None:
    seen = gated(as_account("deploy", 'become = "sudo -n"'), reports)
    assert seen.code == 0, seen.screen


@pytest.mark.only_looks
@pytest.mark.parametrize(
    "options",
    [("--override", "now"), ("--by", "Hanako"), ("--override", " ", "--by", "Hanako")],
    ids=["no name", "no reason", "an empty reason"],
)
def test_an_override_without_reason_or_name_is_wrong_use(lab: Server, options: tuple[str, ...]) -> None:
    told = runbook("gate", "--target", str(lab.state / "target.toml"), *options)
    assert told.returncode == 2
    assert told.stderr.startswith("an override needs ")
    assert told.stdout == ""


@pytest.mark.only_looks
def test_plain_pytest_is_the_same_gate(lab: Server, reports: Path) -> None:
    command = [sys.executable, "-m", "pytest", f"--target={lab.state / 'target.toml'}", "-m", "gate"]
    before = set(reports.iterdir())
    done = subprocess.run([*command, f"--reports={reports}"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = set(reports.iterdir()) - before
    assert json.loads((folder / "run.json").read_text())["kind"] == "gate"


@pytest.mark.parametrize("fault", ["deploy-lock-held"], indirect=True)
@pytest.mark.usefixtures("fault")
def test_what_is_under_way_is_no_fault_where_nobody_wants_to_deploy(lab: Server, reports: Path) -> None:
    told = runbook("verify", "--target", str(lab.state / "target.toml"), "--reports", str(reports), "--section", "4")
    assert told.returncode == 0, told.stdout
    assert "1 not applicable" in told.stdout


# GitHub Actions


@pytest.fixture
def hanging_origin(lab: Server) -> Iterator[None]:
    """An origin that takes the connection and never answers."""
    lab.run(f"{GIT} config remote.origin.uploadpack 'tail -f /dev/null #'").required()
    yield
    lab.run(f"{GIT} config --unset remote.origin.uploadpack").required()


@pytest.mark.usefixtures("hanging_origin")
def test_an_origin_that_hangs_ends_the_gate_in_time(gate: Gate) -> None:
    seen = gate()
    assert (seen.code, seen.gate(Outcome.UNDETERMINED)) == (3, {"the-clone-is-up-to-date-with-its-origin"})


@pytest.fixture
def shouting(lab: Server) -> Iterator[None]:
    """A server whose answers are full of what steers a terminal, a page or Actions."""
    try:
        lab.run(SHOUTING).required()
        yield
    finally:
        lab.run(QUIET).required()


@pytest.mark.usefixtures("shouting")
def test_whatever_the_server_shouts_is_harmless_in_actions(gate: Gate, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    seen = gate(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert seen.code == 1, seen.screen
    commands = Runner().read(seen.screen).commands
    assert {where["title"] for level, where, _ in commands if level == "error"} == {
        "4.2 The clone is clean",
        "4.2 The clone is up to date with its origin",
    }
    assert {level for level, _, _ in commands} == {"error", "notice"}
    assert "owned" in seen.screen, "the server's shouting was not seen at all"
    pieces = (seen.folder / "report.html", seen.folder / "junit.xml", summary)
    for text in (seen.screen, *(piece.read_text() for piece in pieces)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    assert summary.stat().st_size < 20_000
    assert (seen.folder / "report.html").stat().st_size < 2_000_000


@pytest.mark.usefixtures("shouting")
def test_outside_of_actions_there_is_plain_text_only(gate: Gate, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    seen = gate(GITHUB_STEP_SUMMARY=str(summary))
    assert seen.code == 1
    assert not summary.exists()
    assert "stop-commands" not in seen.screen
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", seen.screen)


@pytest.mark.only_looks
def test_in_actions_a_healthy_server_gets_a_summary_and_no_annotation(gate: Gate, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    seen = gate(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert seen.code == 0
    assert Runner().read(seen.screen).commands == []
    assert summary.read_text().startswith("## ")
    assert "safe to deploy" in summary.read_text().splitlines()[0]
