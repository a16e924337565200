"""Whatever ends a drill, and wherever: after the undo the server is as before, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from checks.deploy.steady_state import steady_state
from lab.fault_helpers import wait_until_well
from lab.server import Server
from runbook.model.target_file import load
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer
from runbook.observation.redaction import Redactor
from runbook.observation.snapshot import Snapshot
from tests.bench import line_to
from tests.lab.looking import ROOT, RUNBOOK, runbook
from tests.lab.sampling import sampled

JOURNAL = "/var/lib/psyfit-runbook"
SECONDS = 120

Ending = Literal["SIGINT", "SIGTERM", "SIGKILL", "a cut line"]


@dataclass(frozen=True)
class Point:
    """Where a drill is ended: after so many of its acts have begun."""

    drill: str
    acts: int
    ending: Ending

    def __str__(self) -> str:
        return f"{self.drill}-{self.acts}-{self.ending.replace(' ', '-')}"


POINTS = [
    Point("restore", 1, "SIGINT"),
    Point("restore", 2, "SIGTERM"),
    Point("restore", 2, "SIGKILL"),
    Point("restore", 3, "a cut line"),
    Point("restore", 3, "SIGINT"),
    Point("restore", 3, "SIGKILL"),
    Point("rollback", 1, "SIGTERM"),
    Point("rollback", 2, "SIGKILL"),
    Point("rollback", 2, "a cut line"),
    Point("rollback", 3, "SIGINT"),
    Point("rollback", 4, "SIGKILL"),
    Point("rollback", 5, "a cut line"),
]


def steady(server: Server) -> Mapping[str, str]:
    """The steady state as the interlock sees it."""
    target, redactor = load(str(server.state / "target.toml")), Redactor()
    observer = Observer(target, Evidence(redactor), redactor, {})
    try:
        seen = Snapshot(observer).observe(steady_state)
    finally:
        observer.close()
    assert not seen.wrong
    return seen.facts


def drill(name: str, target: Path, reports: Path) -> subprocess.Popen[str]:
    """Start a drill in a process of its own."""
    return subprocess.Popen(
        [*RUNBOOK, "drill", name, "--target", str(target), "--reports", str(reports)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_acts(server: Server, acts: int) -> None:
    server.wait_until(f'[ "$(ls {JOURNAL}/journal/*/*.sh 2>/dev/null | wc -l)" -ge {acts} ]', seconds=60)


def nothing_is_left(server: Server) -> None:
    assert server.run(f"ls {JOURNAL}/journal").out == ""
    assert server.run("docker ps -aq --filter name=runbook-drill").out == ""
    server.wait_until("! pgrep -f '[p]syfit-runbook'", seconds=30)


@pytest.mark.parametrize("point", sampled(POINTS, 3))
def test_a_drill_that_is_ended_leaves_the_server_as_it_was(point: Point, lab: Server, tmp_path: Path) -> None:
    before = steady(lab)
    with line_to(lab, tmp_path / "line", 0) as line:
        process = drill(point.drill, line.target, tmp_path / "reports")
        wait_for_acts(lab, point.acts)
        if point.ending != "a cut line":
            process.send_signal(signal.Signals[point.ending])
            out, _ = process.communicate(timeout=SECONDS)
    if point.ending == "a cut line":
        out, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 1, out
        assert "runbook recover" in " ".join(out.split()), "wherever the screen breaks its lines"
    elif point.ending != "SIGKILL":
        assert process.returncode == 130, out
        nothing_is_left(lab)
    recovered = runbook("recover", "--target", str(lab.state / "target.toml"))
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    nothing_is_left(lab)
    wait_until_well(lab)
    assert steady(lab) == before


def test_recover_sh_alone_heals_the_server(lab: Server, tmp_path: Path) -> None:
    before = steady(lab)
    process = drill("rollback", lab.state / "target.toml", tmp_path / "reports")
    wait_for_acts(lab, 3)
    process.kill()
    process.communicate(timeout=SECONDS)
    lab.run(f"{JOURNAL}/recover.sh", seconds=SECONDS).required()
    nothing_is_left(lab)
    wait_until_well(lab)
    assert steady(lab) == before


def test_recover_with_nothing_open_says_so(lab: Server) -> None:
    told = runbook("recover", "--target", str(lab.state / "target.toml"))
    assert (told.returncode, told.stdout) == (0, "nothing was open\n")
