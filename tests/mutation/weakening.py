"""The weakenings of a module: each one change of its code after which it could let something pass.

Only what judges is changed: comparisons, conditions, filters, limits, and whether a step requires anything at all. The
words in which a difference is told are not, nor how long a question may take.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

WORDS = ("require", "Mismatch", "Undetermined", "NotApplicable", "Attested")
"""What is called with words for a reader: only the first argument of `require` judges."""

DECLARING = ("seconds", "lane", "needs", "default", "default_factory")
"""Arguments that say how a question is asked or a field is made."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
TURNED = {"any": "all", "all": "any", "min": "max", "max": "min"}

Change = Callable[[], None]
Put = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Weakening:
    """One change.

    Attributes:
        function: The function that it is in, with its class; the constant where it is in none.
        begins: The line at which Python says that the function begins.
        what: The changed expression, before and after.
        change: Changes the module's tree, which is then to be compiled. It can be called once.
    """

    path: Path
    line: int
    function: str
    begins: int
    what: str
    change: Change = field(compare=False, repr=False)

    @property
    def is_constant(self) -> bool:
        """Whether it changes a value of the module and no function."""
        return not self.begins


@dataclass(frozen=True)
class Module:
    """A module's tree and the weakenings of it."""

    path: Path
    tree: ast.Module
    weakenings: tuple[Weakening, ...]


def module(path: Path) -> Module:
    """Read a module and find its weakenings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return Module(path, tree, tuple(_of_module(path, tree)))


def _of_module(path: Path, tree: ast.Module) -> Iterator[Weakening]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            yield from _of_function(path, statement, statement.name)
        elif isinstance(statement, ast.ClassDef):
            for one in statement.body:
                if isinstance(one, ast.FunctionDef):
                    yield from _of_function(path, one, f"{statement.name}.{one.name}")
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            (target,) = statement.targets if isinstance(statement, ast.Assign) else (statement.target,)
            if isinstance(target, ast.Name):
                yield from _of_constant(path, statement, target.id)


def _of_function(path: Path, function: ast.FunctionDef, name: str) -> Iterator[Weakening]:
    begins = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    for number, statement in enumerate(function.body):
        for line, what, change in _changes(statement, partial(function.body.__setitem__, number)):
            yield Weakening(path, line, name, begins, what, change)


def _of_constant(path: Path, statement: ast.Assign | ast.AnnAssign, name: str) -> Iterator[Weakening]:
    """Of a value that is written there; the lambdas in one are functions, each beginning at its own line."""
    value = statement.value
    assert value is not None
    lambdas = [one for one in ast.walk(value) if isinstance(one, ast.Lambda)]
    for one in lambdas:
        for line, what, change in _changes(one.body, partial(setattr, one, "body")):
            yield Weakening(path, line, f"{name}.<lambda>", one.lineno, what, change)
    if not lambdas and not any(isinstance(one, ast.Call) for one in ast.walk(value)):
        for line, what, change in _changes(value, partial(setattr, statement, "value")):
            yield Weakening(path, line, name, 0, what, change)


def _changes(node: ast.AST, put: Put) -> Iterator[tuple[int, str, Change]]:
    """The changes of a node and of all below it; ``put`` puts another node in its place."""
    before = ast.unparse(node)
    line = getattr(node, "lineno", 0)

    def to(after: str, change: Change) -> tuple[int, str, Change]:
        return line, f"{_short(before)} → {_short(after)}", change

    def become(other: ast.AST) -> tuple[int, str, Change]:
        return to(ast.unparse(other), partial(put, ast.fix_missing_locations(ast.copy_location(other, node))))

    match node:
        case ast.Compare(left, ops, comparators):
            for number, op in enumerate(ops):
                others = [*ops[:number], COMPARED[type(op)](), *ops[number + 1 :]]
                yield become(ast.Compare(left, others, comparators))
        case ast.BoolOp(op, values):
            for number in range(len(values)):
                rest = [*values[:number], *values[number + 1 :]]
                yield become(rest[0] if len(rest) == 1 else ast.BoolOp(op, rest))
        case ast.UnaryOp(ast.Not(), operand):
            yield become(operand)
        case ast.Constant(int() | float() as value) if not isinstance(value, bool):
            yield become(ast.Constant(value + 1))
        case ast.If(test):
            yield to_false(node, test, line)
        case ast.IfExp(_, one, other):
            if _is_said(one) and _is_said(other):
                return
            yield become(one)
            yield become(other)
        case ast.comprehension(_, _, ifs):
            for number, one in enumerate(ifs):
                without = f"{ast.unparse(node)}".replace(f" if {ast.unparse(one)}", "", 1)
                dropped = partial(ifs.__delitem__, number)
                yield one.lineno, f"{_short(before.strip())} → {_short(without.strip())}", dropped
        case ast.Call(ast.Name("require"), [holds, *_]) if not isinstance(holds, ast.Constant):
            true: ast.expr = ast.copy_location(ast.Constant(True), holds)
            passes = partial(node.args.__setitem__, 0, true)
            yield line, f"require({_short(ast.unparse(holds))}) → require(True)", passes
        case ast.Call(ast.Name(name) as called) if name in TURNED:
            yield to(before.replace(name, TURNED[name], 1), partial(setattr, called, "id", TURNED[name]))
    yield from _below(node)


def to_false(node: ast.If, test: ast.expr, line: int) -> tuple[int, str, Change]:
    """What a condition guards is never done."""
    false = ast.copy_location(ast.Constant(False), test)
    return line, f"if {_short(ast.unparse(test))} → if False", partial(setattr, node, "test", false)


def _below(node: ast.AST) -> Iterator[tuple[int, str, Change]]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or isinstance(node, ast.JoinedStr):
            continue
        if isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, ast.AST) and not _is_words(node, name, number, one):
                    yield from _changes(one, partial(value.__setitem__, number))
        elif isinstance(value, ast.AST):
            yield from _changes(value, partial(setattr, node, name))


def _is_words(parent: ast.AST, name: str, number: int, node: ast.AST) -> bool:
    """Whether this argument holds words, or says how something is asked."""
    if not isinstance(parent, ast.Call):
        return False
    called = parent.func.id if isinstance(parent.func, ast.Name) else ""
    if called in WORDS:
        return not (called == "require" and name == "args" and number == 0)
    return isinstance(node, ast.keyword) and node.arg in DECLARING


def _is_said(node: ast.AST) -> bool:
    """Whether it is a text that is written there."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _short(text: str) -> str:
    """One line of it, as long as a table can bear."""
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"
