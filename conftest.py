"""Joins the rooms: the engine, what the checks observe, what the sentences mean, who writes the reports."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import checks
import drills
import steps
from checks import steady
from runbook import catalogue
from runbook.interlock import SteadyState
from runbook.look import Look
from runbook.record import Run

pytest_plugins = [
    "runbook.plugin",
    *sorted(f"steps.{module.name}" for module in pkgutil.iter_modules(steps.__path__)),
]

CATALOGUE = catalogue.read(
    importlib.import_module(f"{room.__name__}.{module.name}")
    for room in (checks, drills)
    for module in pkgutil.iter_modules(room.__path__)
)

globals().update(CATALOGUE.fixtures())


def pytest_runbook_catalogue() -> catalogue.Catalogue:
    return CATALOGUE


def pytest_runbook_steady_state(look: Look) -> SteadyState:
    return look.see(steady.steady_state)


def pytest_runbook_finished(run: Run, folder: Path) -> Path:
    from reporting.bundle import write

    return write(run, folder)
