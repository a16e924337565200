"""The rooms joined: what the checks and drills declare, and what the sentences mean."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import checks
import drills
import steps
from runbook import catalogue
from runbook.catalogue import Catalogue

MEANINGS = tuple(sorted(f"steps.{module.name}" for module in pkgutil.iter_modules(steps.__path__)))
"""The modules that say what the sentences mean, by name."""


def meanings() -> tuple[ModuleType, ...]:
    """The same modules, loaded: pytest-bdd then knows every sentence."""
    return tuple(importlib.import_module(name) for name in MEANINGS)


def declaring() -> tuple[ModuleType, ...]:
    """The modules that declare questions, checks and acts."""
    return tuple(
        importlib.import_module(f"{room.__name__}.{module.name}")
        for room in (checks, drills)
        for module in pkgutil.iter_modules(room.__path__)
    )


def read_catalogue() -> Catalogue:
    """All that they declare."""
    return catalogue.read(declaring())
