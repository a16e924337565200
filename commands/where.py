"""Where each sentence of a section lives: its own line, the step that says what it means, and what that rests on.

It is read from the code, so it is right whatever was moved: a step takes the observation of a check by the check's
name, or calls what observes; an act is named in it. A step that has neither judges what an earlier sentence brought
about, and rests on what that one rests on.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from rich.console import Console
from rich.text import Text

from commands import rooms
from commands.front import ROOT
from linting.finding import place_of, place_of_value
from runbook import attestation, bdd
from runbook.act import Act
from runbook.catalogue import Catalogue
from runbook.features import Section, Sentence
from runbook.question import Question

ATTESTED = "attestation"
"""The parameter by which a step takes what a person has attested."""


@dataclass(frozen=True)
class Place:
    """Where one thing is written.

    Attributes:
        kind: What it is: ``step``, ``check``, ``drill``, ``act``, ``question`` or ``reader``.
        name: What it is called there.
    """

    kind: str
    path: Path
    line: int
    name: str

    def __str__(self) -> str:
        """The line as an editor or a terminal takes it, before what it leads to."""
        return f"{self.kind:<8}  {_from_root(self.path)}:{self.line}  {self.name}"


def show(sections: Iterable[Section]) -> None:
    """Print these sections, each sentence with its places."""
    rooms.meanings()
    known = Places(rooms.read_catalogue(), rooms.declaring())
    console = Console(highlight=False)
    for section in sections:
        console.print(Text(f"{section.number}  {section.title}", "bold underline"))
        for scenario in section.scenarios:
            where = f"{_from_root(scenario.path)}:{scenario.line}"
            console.print()
            console.print(Text.assemble("  ", (scenario.name, "bold"), (f"  {where}", "dim")), soft_wrap=True)
            for sentence in scenario.sentences:
                console.print(Text(f"    {sentence}"), soft_wrap=True)
                for place in known.of(sentence):
                    console.print(Text(f"      {place}", "dim"), soft_wrap=True)
        console.print()


class Places:
    """Finds the places of a sentence.

    Args:
        catalogue: What the modules below declare.
        declaring: The modules that observe and act; all that the steps mean is loaded already.
    """

    def __init__(self, catalogue: Catalogue, declaring: Iterable[ModuleType]) -> None:
        self._catalogue = catalogue
        self._declaring = {module.__name__: module for module in declaring}
        self._checks = set(catalogue.checks.values())

    def of(self, sentence: Sentence) -> Iterator[Place]:
        """The step of a sentence, and all that it rests on."""
        for meaning in bdd.meanings_of(sentence.kind, sentence.text):
            yield _place("step", meaning.step_func)
            yield from dict.fromkeys(self._rests_on(meaning.step_func, frozenset()))

    def _rests_on(self, step: Callable[..., Any], above: frozenset[Callable[..., Any]]) -> list[Place]:
        """What a step observes or does; where that is nothing, what reads for it; else what earlier sentences have."""
        if ATTESTED in bdd.parameters_of(step):
            return [_place("reader", attestation.read)]
        named = list(self._named_by(step, set()))
        observing = [_place("check", check) for check in self._catalogue.checks_of(step)]
        observing += [place for place in named if place.kind in ("check", "drill", "act")]
        return observing or named or list(self._brought_about(step, above | {step}))

    def _brought_about(self, step: Callable[..., Any], above: frozenset[Callable[..., Any]]) -> Iterator[Place]:
        wanted = bdd.parameters_of(step)
        for one in bdd.definitions():
            if one.target_fixture in wanted and one.step_func not in above:
                yield from self._rests_on(one.step_func, above)

    def _named_by(self, function: Callable[..., Any], reached: set[object]) -> Iterator[Place]:
        """What the code of a step names of what is declared, that of the helpers beside it included."""
        if function in reached:
            return
        reached.add(function)
        for module, name, value in _names_in(function):
            if isinstance(value, FunctionType) and value.__module__ in self._declaring:
                yield _place(self._kind(value), value)
            elif isinstance(value, FunctionType) and value.__module__ == function.__module__:
                yield from self._named_by(value, reached)
            elif isinstance(value, Act | Question):
                written = next((one for one in self._declaring.values() if _is_written_in(one, name, value)), module)
                kind = "act" if isinstance(value, Act) else "question"
                yield Place(kind, *place_of_value(written, name), name)

    def _kind(self, function: FunctionType) -> str:
        if function in self._checks:
            return "check"
        return "drill" if function.__module__.startswith("drills.") else "reader"


def _place(kind: str, function: Callable[..., Any]) -> Place:
    assert isinstance(function, FunctionType)
    path, line = place_of(function)
    return Place(kind, path, line, function.__name__)


def _names_in(function: Callable[..., Any]) -> Iterator[tuple[ModuleType, str, object]]:
    """What the names in a function's code stand for, in its order: the module that it is taken from, and its name."""
    module = inspect.getmodule(function)
    assert module is not None
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    for node in sorted(nodes, key=lambda one: (one.lineno, one.col_offset)):
        match node:
            case ast.Name(id=name):
                yield module, name, vars(module).get(name)
            case ast.Attribute(value=ast.Name(id=other), attr=name):
                of = vars(module).get(other)
                if isinstance(of, ModuleType):
                    yield of, name, vars(of).get(name)


def _is_written_in(module: ModuleType, name: str, value: object) -> bool:
    """Whether a module does not only import this value."""
    there = vars(module).get(name) is value
    return there and f"\n{name} = " in Path(str(module.__file__)).read_text(encoding="utf-8")


def _from_root(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
