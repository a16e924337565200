"""What the check modules declare: their questions by name, their checks as fixtures, and which check asks what.

Which questions a check asks is read from its own code, so that nothing is declared twice.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from runbook.model.action import Action
from runbook.model.question import Question
from runbook.observation.snapshot import Check, Snapshot


@dataclass(frozen=True)
class Catalogue:
    """The checks by name, and the names of all questions and of all acts."""

    checks: dict[str, Check[Any]]
    names: dict[Question[Any], str]
    actions: dict[Action, str] = field(default_factory=dict)

    def checks_of(self, function: Callable[..., Any]) -> tuple[Check[Any], ...]:
        """The checks whose observations this step function takes as parameters, by name."""
        return tuple(self.checks[name] for name in sorted(inspect.signature(function).parameters.keys() & self.checks))

    def questions_of(self, check: Check[Any]) -> tuple[Question[Any], ...]:
        """Every question that this check could ask, those of checks it rests on included, in the order of its code."""
        return tuple(dict.fromkeys(one for one in named_by(check) if isinstance(one, Question)))

    def actions_of(self, function: Callable[..., Any]) -> tuple[Action, ...]:
        """Every act that this function could do, in the order of its code."""
        return tuple(dict.fromkeys(one for one in named_by(function) if isinstance(one, Action)))

    def fixtures(self) -> dict[str, Any]:
        """A session fixture for each check, named after it."""
        return {name: _fixture(name, check) for name, check in self.checks.items()}


def read(modules: Iterable[ModuleType]) -> Catalogue:
    """Read check modules.

    Raises:
        ValueError: Two checks have one name.
    """
    checks: dict[str, Check[Any]] = {}
    questions: dict[Question[Any], list[tuple[ModuleType, str]]] = {}
    actions: dict[Action, list[tuple[ModuleType, str]]] = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, Question):
                questions.setdefault(value, []).append((module, name))
            elif isinstance(value, Action):
                actions.setdefault(value, []).append((module, name))
            elif _is_check(value, module):
                if name in checks:
                    raise ValueError(
                        f"two checks are called {name}: in {checks[name].__module__} and {module.__name__}"
                    )
                checks[name] = value
    return Catalogue(
        checks,
        {question: _name(places) for question, places in questions.items()},
        {action: _name(places) for action, places in actions.items()},
    )


def _name(places: Sequence[tuple[ModuleType, str]]) -> str:
    """The name of what stands in these modules: that of the one which declares it, whoever imports it."""
    module, name = next((one for one in places if len(places) > 1 and _declares(*one)), places[0])
    return f"{module.__name__.rpartition('.')[2]}.{name}"


def _declares(module: ModuleType, name: str) -> bool:
    """Whether a module itself gives this name its value; else it has it from another."""
    return re.search(rf"^(\w+, )*{name}\b[^=\n]*= ", inspect.getsource(module), re.MULTILINE) is not None


def named_by(function: object) -> Iterator[object]:
    """The module-level values that a function's code names, those of the functions it calls included.

    What the engine's own functions name is left out.
    """
    reached: set[FunctionType] = set()

    def reach(one: object) -> Iterator[object]:
        if not isinstance(one, FunctionType) or one in reached:
            return
        reached.add(one)
        for value in _values_in(one):
            yield value
            if isinstance(value, FunctionType) and not value.__module__.startswith("runbook"):
                yield from reach(value)

    return reach(function)


def _is_check(value: object, module: ModuleType) -> bool:
    if not inspect.isfunction(value) or value.__module__ != module.__name__ or value.__name__.startswith("_"):
        return False
    parameters = list(inspect.signature(value).parameters.values())
    return len(parameters) == 1 and parameters[0].annotation in (Snapshot, "Snapshot")


def _fixture(name: str, check: Check[Any]) -> Any:
    def observation(snapshot: Snapshot) -> Any:
        return snapshot.observe(check)

    observation.__doc__ = check.__doc__
    return pytest.fixture(scope="session", name=name)(observation)


def _values_in(function: FunctionType) -> Iterator[object]:
    """What the names in a function's code stand for, those that it takes from other modules included."""
    names = list(_names_in(function.__code__))
    named = [function.__globals__.get(name) for name in names]
    yield from named
    for module in named:
        if isinstance(module, ModuleType):
            yield from (getattr(module, name, None) for name in names)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
