"""Several of us on one server at once: who may go on does, who may not is told why, and nothing is lost."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from lab.fault_helpers import wait_until_well
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.record import Run
from tests.lab.health import LABS
from tests.lab.looking import ROOT, RUNBOOK
from tests.lab.test_interruptions import drill, nothing_is_left, steady, wait_for_acts

SECONDS = 120
REFUSED = re.compile(r"another drill|drill is in progress|has left \d+ changes?")
ITS_DOING = {"no-drill-is-in-progress", "no-unexpected-container-exists"}
"""What a look may fail by while a restore drill goes on: that there is one, and its throw-away database."""

UNDONE = re.compile(r"^undone: (\S+)", re.MULTILINE)


def begun(command: str, server: Server, *options: str) -> subprocess.Popen[str]:
    """Start one of our commands on a lab in a process of its own."""
    arguments = [*RUNBOOK, *command.split(), "--target", str(server.state / "target.toml"), *options]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(*processes: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """Exit code and screen of each."""
    screens = [process.communicate(timeout=SECONDS)[0] for process in processes]
    return [(process.returncode, screen) for process, screen in zip(processes, screens, strict=True)]


def record(reports: Path) -> Run:
    """The one run in a folder of reports."""
    (written,) = reports.glob("*/run.json")
    return Run.model_validate_json(written.read_text())


def is_as_before(server: Server, before: object) -> None:
    """Nothing of a drill is left, the steady state is as before, and everything is as the runbook says."""
    nothing_is_left(server)
    wait_until_well(server)
    assert steady(server) == before
    assert LABS.whole_look(server) == ""


@pytest.mark.only_looks
def test_two_verifies_both_pass(lab: Server, tmp_path: Path) -> None:
    both = [begun("verify", lab, "--reports", str(tmp_path / name)) for name in ("one", "other")]
    for code, screen in ended(*both):
        assert code == 0, screen


def test_a_verify_beside_a_drill_says_that_what_it_sees_may_be_the_drills_doing(lab: Server, tmp_path: Path) -> None:
    before = steady(lab)
    drilling = drill("restore", lab.state / "target.toml", tmp_path / "drill")
    wait_for_acts(lab, 1)
    (_, screen), (code, drilled) = ended(begun("verify", lab, "--reports", str(tmp_path / "verify")), drilling)
    seen = record(tmp_path / "verify")
    assert seen.journal is not None
    assert "A drill is in progress on this server: the drill restore" in " ".join(screen.split())
    assert {one.id for one in seen.scenarios if one.outcome is Outcome.FAILED} <= ITS_DOING, screen
    assert not any(scenario.own_fault for scenario in seen.scenarios), screen
    assert code == 0, drilled
    is_as_before(lab, before)


def test_of_two_drills_one_is_refused_and_told_why(lab: Server, tmp_path: Path) -> None:
    before = steady(lab)
    names = ("restore", "rollback")
    both = ended(*(drill(name, lab.state / "target.toml", tmp_path / name) for name in names))
    assert sorted(code for code, _ in both) == [0, 4], "\n".join(screen for _, screen in both)
    (refused,) = (name for name, (code, _) in zip(names, both, strict=True) if code == 4)
    for scenario in record(tmp_path / refused).scenarios:
        assert REFUSED.search(scenario.reason or ""), scenario.reason
    is_as_before(lab, before)


def test_of_two_recovers_each_ends_well_and_no_change_is_undone_twice(lab: Server, tmp_path: Path) -> None:
    before = steady(lab)
    drilling = drill("restore", lab.state / "target.toml", tmp_path / "drill")
    wait_for_acts(lab, 2)
    drilling.send_signal(signal.SIGKILL)
    drilling.communicate(timeout=SECONDS)
    both = ended(begun("recover", lab), begun("recover", lab))
    (code, screen), (refused, said) = sorted(both)
    assert code == 0, screen
    assert refused == 0 or (refused == 4 and "in progress" in said), said
    undone = [entry for _, screen in both for entry in UNDONE.findall(screen)]
    assert len(undone) == len(set(undone)) >= 2, both
    is_as_before(lab, before)


def test_a_recover_beside_a_drill_is_refused_and_the_drill_passes(lab: Server, tmp_path: Path) -> None:
    before = steady(lab)
    drilling = drill("restore", lab.state / "target.toml", tmp_path / "drill")
    wait_for_acts(lab, 1)
    (refused, said), (code, drilled) = ended(begun("recover", lab), drilling)
    assert refused == 4, said
    assert "a drill is in progress" in said
    assert code == 0, drilled
    is_as_before(lab, before)
