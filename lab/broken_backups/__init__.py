"""Backups that do not bring the database back: one small module each.

A module has a docstring (what is wrong, in one line), ``says`` (what the restore drill must say of it) and
``make(server)``, which writes the backup to a folder of its own and returns its path. These names are the whole
interface.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from lab.server import Server


def names() -> list[str]:
    """The ids of all, in alphabetical order."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def says(name: str) -> str:
    """What the drill must say of this one."""
    said: str = _module(name).says
    return said


def make(server: Server, name: str) -> str:
    """Write this one on the lab; returns its path there."""
    path: str = _module(name).make(server)
    return path


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
