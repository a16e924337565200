"""A finding: where, what, and what was expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, at the line that has to be changed."""

    path: Path
    line: int
    what: str
    expected: str

    def one_line(self, root: Path) -> str:
        """It as one line; files below ``root`` by their path from there."""
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f"{path}:{self.line}: {self.what}; expected {self.expected}"


def place_of(function: FunctionType) -> tuple[Path, int]:
    """Where a function is written."""
    return Path(function.__code__.co_filename), function.__code__.co_firstlineno


def place_of_value(module: ModuleType, name: str) -> tuple[Path, int]:
    """Where a module's value of this name is written; its first line where it is not written there."""
    path = Path(str(module.__file__))
    return path, line_of(path, rf"{re.escape(name)}\b")


def line_of(path: Path, beginning: str) -> int:
    """The first line of a file that begins so, by a regular expression; 1 where none does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if re.match(beginning, line)), 1)
