"""Joins the rooms: the engine, what the checks observe, what the sentences mean, who writes the reports."""

from __future__ import annotations

from pathlib import Path

from checks.deploy.steady_state import steady_state as observe_steady_state
from commands import packages
from runbook.drill.interlock import SteadyState
from runbook.model.changes import Changes
from runbook.model.record import Control, Run
from runbook.observation import catalogue
from runbook.observation.snapshot import Snapshot
from runbook.suite import controls, features

pytest_plugins = ["runbook.suite.plugin", *packages.MEANINGS]

CATALOGUE = packages.read_catalogue()

globals().update(CATALOGUE.fixtures())


def pytest_runbook_catalogue() -> catalogue.Catalogue:
    return CATALOGUE


def pytest_runbook_steady_state(snapshot: Snapshot) -> SteadyState:
    return snapshot.observe(observe_steady_state)


def pytest_runbook_controls() -> tuple[Control, ...]:
    return controls.recorded(controls.load(), features.scenarios_of(features.read()))


def pytest_runbook_changes(run: Run, reports: Path) -> Changes:
    from reporting.history import changes_of

    return changes_of(run, reports)


def pytest_runbook_finished(run: Run, folder: Path) -> Path:
    from reporting.bundle import write

    return write(run, folder)


def pytest_runbook_not_finished(run: Run, folder: Path) -> None:
    from reporting.bundle import write_record

    write_record(run, folder)
