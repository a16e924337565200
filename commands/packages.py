"""The packages joined: what the checks and drills declare, and what the sentences mean."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import checks
import discovery
import drills
import steps
from runbook.observation import catalogue
from runbook.observation.catalogue import Catalogue

MEANINGS = tuple(sorted(f"steps.{module.name}" for module in pkgutil.iter_modules(steps.__path__)))
"""The modules that say what the sentences mean, by name."""


def meanings() -> tuple[ModuleType, ...]:
    """The same modules, loaded: pytest-bdd then knows every sentence."""
    return tuple(importlib.import_module(name) for name in MEANINGS)


def declaring() -> tuple[ModuleType, ...]:
    """The modules that declare questions, checks and acts."""
    return tuple(
        importlib.import_module(module.name)
        for package in (checks, discovery, drills)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.ispkg
    )


def read_catalogue() -> Catalogue:
    """All that they declare."""
    return catalogue.read(declaring())
