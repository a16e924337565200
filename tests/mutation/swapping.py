"""A weakening put into the running process: functions get other code where they are, so nothing is loaded again.

Whoever holds such a function (a module that imported it, pytest-bdd's registry) then calls the weakened one. It is
meant for a process that ends afterwards: nothing is put back.
"""

from __future__ import annotations

import ast
import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from tests.mutation.weakening import Module, Weakening

Place = tuple[str, int]
"""A function's code: the file, and the line at which it begins."""


class Functions:
    """The functions that were loaded from these files."""

    def __init__(self, paths: frozenset[str]) -> None:
        self._by_place: dict[Place, list[FunctionType]] = defaultdict(list)
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename in paths:
                self._by_place[place_of(one.__code__)].append(one)

    def naming(self, name: str) -> Iterator[Place]:
        """Those whose code uses a global name."""
        for place, (first, *_) in self._by_place.items():
            if name in _names_in(first.__code__):
                yield place

    def swap(self, compiled: CodeType) -> None:
        """Give each the code that it has in this compiled module."""
        for code in _codes_in(compiled):
            for one in self._by_place.get(place_of(code), ()):
                if one.__code__.co_name == code.co_name:
                    one.__code__ = code


def place_of(code: CodeType) -> Place:
    """Where it is written."""
    return code.co_filename, code.co_firstlineno


def put_in(weakening: Weakening, module: Module, functions: Functions) -> None:
    """Weaken the running process."""
    weakening.change()
    if weakening.is_constant:
        _set_constant(weakening, module)
    else:
        functions.swap(compile(module.tree, str(module.path), "exec", dont_inherit=True))


def _set_constant(weakening: Weakening, module: Module) -> None:
    """Give the constant its other value wherever it was imported under its name."""
    loaded = {str(one.__file__): one for one in _loaded()}[str(module.path)]
    before = vars(loaded)[weakening.function]
    (statement,) = (one for one in module.tree.body if weakening.function in _assigned(one))
    changed = dict(vars(loaded))
    exec(compile(ast.Module([statement], []), str(module.path), "exec"), changed)  # noqa: S102 - our own module's line
    for one in _loaded():
        if vars(one).get(weakening.function) is before:
            setattr(one, weakening.function, changed[weakening.function])


def _assigned(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]


def _loaded() -> list[ModuleType]:
    root = Path(__file__).resolve().parents[2]
    return [
        one
        for one in list(sys.modules.values())
        if getattr(one, "__file__", None) and Path(str(one.__file__)).is_relative_to(root)
    ]


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes_in(one)


def _names_in(code: CodeType) -> set[str]:
    return {*code.co_names, *(name for one in _codes_in(code) for name in one.co_names)}
