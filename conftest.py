"""Joins the rooms: the engine, what the checks observe, what the sentences mean, who writes the reports."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import checks
import steps
from runbook import catalogue
from runbook.record import Run

pytest_plugins = [
    "runbook.plugin",
    *sorted(f"steps.{module.name}" for module in pkgutil.iter_modules(steps.__path__)),
]

CATALOGUE = catalogue.read(
    importlib.import_module(f"checks.{module.name}") for module in pkgutil.iter_modules(checks.__path__)
)

globals().update(CATALOGUE.fixtures())


def pytest_runbook_catalogue() -> catalogue.Catalogue:
    return CATALOGUE


def pytest_runbook_finished(run: Run, folder: Path) -> Path:
    from reporting.bundle import write

    return write(run, folder)
