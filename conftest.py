"""Joins the rooms: the engine, what the checks observe, what the sentences mean, who writes the reports."""

from __future__ import annotations

from pathlib import Path

from checks import steady
from commands import rooms
from runbook import catalogue, controls, features
from runbook.interlock import SteadyState
from runbook.look import Look
from runbook.record import Changes, Control, Run

pytest_plugins = ["runbook.plugin", *rooms.MEANINGS]

CATALOGUE = rooms.read_catalogue()

globals().update(CATALOGUE.fixtures())


def pytest_runbook_catalogue() -> catalogue.Catalogue:
    return CATALOGUE


def pytest_runbook_steady_state(look: Look) -> SteadyState:
    return look.see(steady.steady_state)


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
