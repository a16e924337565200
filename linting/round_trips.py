"""How deep a check's questions chain: how many answers have to come one after another before it has seen.

It is read from the code. A question that stands there by its name needs no other; one that is made there
(`with_values`, a helper, a loop) is taken to need all that were asked before it. So the depth told is the most that it
could be.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from linting.finding import Finding, place_of
from runbook.model.question import Question

DEEPEST = 3
ASKING = ("ask", "ask_all")


def findings(checks: Mapping[str, object]) -> Iterator[Finding]:
    """The checks that make a run wait longer than it may."""
    depths = _Depths()
    for name, check in checks.items():
        if isinstance(check, FunctionType) and (deep := depths.of(check)) > DEEPEST:
            what = f"the questions of the check {name} chain {deep} deep"
            yield Finding(*place_of(check), what, f"at most {DEEPEST}: ask together what does not need each other")


def depth(check: FunctionType) -> int:
    """The depth to which a check's questions chain."""
    return _Depths().of(check)


class _Depths:
    """The depth that is reached when a function has ended, by the one reached when it began; each is told once."""

    def __init__(self) -> None:
        self._told: dict[tuple[FunctionType, int], int] = {}

    def of(self, function: FunctionType, before: int = 0) -> int:
        if (function, before) not in self._told:
            self._told[function, before] = before  # one that calls itself adds nothing there
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
            walk = _Walk(function.__globals__, self)
            self._told[function, before] = max(walk.through(tree, before), walk.left_at)
        return self._told[function, before]


class _Walk:
    """One function's code, in the order in which it is run; ``left_at`` is the deepest at which it returns early."""

    def __init__(self, names: Mapping[str, object], depths: _Depths) -> None:
        self._names = names
        self._depths = depths
        self.left_at = 0

    def through(self, node: ast.AST, reached: int) -> int:
        if isinstance(node, ast.If | ast.IfExp):
            reached = self.through(node.test, reached)
            taken, passed_by = self._in_order(node.body, reached), self._in_order(node.orelse, reached)
            if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Return | ast.Raise):
                self.left_at = max(self.left_at, taken)
                return passed_by
            return max(taken, passed_by)
        children = list(ast.iter_child_nodes(node))
        children.sort(key=lambda one: not isinstance(one, ast.comprehension))  # written last and run first
        reached = self._in_order(children, reached)
        return self._call(node, reached) if isinstance(node, ast.Call) else reached

    def _in_order(self, nodes: ast.AST | list[Any], reached: int) -> int:
        for node in nodes if isinstance(nodes, list) else [nodes]:
            reached = self.through(node, reached)
        return reached

    def _call(self, call: ast.Call, reached: int) -> int:
        word = call.func.attr if isinstance(call.func, ast.Attribute) else None
        if word in ASKING:
            by_name = all(isinstance(self._value(one), Question) for one in call.args)
            return max(reached, 1) if by_name else reached + 1
        if word == "observe" and call.args:
            seen = self._value(call.args[0])
            return max(reached, self._depths.of(seen)) if isinstance(seen, FunctionType) else reached
        called = self._value(call.func)
        if isinstance(called, FunctionType) and not called.__module__.startswith("runbook"):
            return self._depths.of(called, reached)
        return reached

    def _value(self, node: ast.AST) -> object:
        """What a name stands for, also one in another module; None for anything else."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(module := self._value(node.value), ModuleType):
            return getattr(module, node.attr, None)
        return None
