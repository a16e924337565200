"""Verify a server as a user does, in a process of its own, and read the record that it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runbook.model.outcome import Outcome
from runbook.model.record import Run, Scenario

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (sys.executable, "-m", "commands.main")
SECONDS = 120

CALM_RUNS, BUSY_RUNS = 100, 50
"""How often soak verifies each healthy lab, alone and beside what wants both processors; each run is to pass."""


@dataclass(frozen=True)
class Verified:
    """One run: its exit code, its record, its folder, and what was on the screen."""

    code: int
    run: Run
    folder: Path
    screen: str

    def ids(self, outcome: Outcome) -> set[str]:
        """The scenarios that came to this outcome."""
        return {scenario.id for scenario in self.run.scenarios if scenario.outcome is outcome}

    def scenario(self, scenario_id: str) -> Scenario:
        return next(scenario for scenario in self.run.scenarios if scenario.id == scenario_id)

    def told(self) -> str:
        """What a reader of a failed test wants to know: every scenario that has not passed, and why."""
        return "\n".join(
            f"{one.outcome}: {one.id}: {[step.difference or step.reason for step in one.steps if step.outcome]}"
            for one in self.run.scenarios
            if one.outcome is not Outcome.PASSED
        )


def runbook(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command line of ours."""
    return subprocess.run(
        [*RUNBOOK, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def verify(target: Path, reports: Path, *options: str, **environment: str) -> Verified:
    """``runbook verify`` on this target; reports go to a folder of their own."""
    return verified(lambda *arguments: runbook(*arguments, *options, **environment), target, reports)


def verified(run: Callable[..., subprocess.CompletedProcess[str]], target: Path, reports: Path) -> Verified:
    """The same, by another way to run a command line of ours."""
    before = set(reports.iterdir()) if reports.exists() else set()
    done = run("verify", "--target", str(target), "--reports", str(reports))
    made = set(reports.iterdir()) - before if reports.exists() else set()
    assert len(made) == 1, f"no run was recorded; exit {done.returncode}\n{done.stdout}{done.stderr}"
    (folder,) = made
    record = Run.model_validate_json((folder / "run.json").read_text())
    assert record.exit_code == done.returncode, done.stdout + done.stderr
    return Verified(done.returncode, record, folder, done.stdout + done.stderr)
