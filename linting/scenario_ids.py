"""What observes knows no scenario: which one rests on which is said by a feature's tag, or by the step that judges."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from linting.finding import Finding
from runbook.suite.features import Scenario

EXPECTED = "an observation of it: a tag such as @depends-on-ID on the scenario, or its step, says what follows"


def findings(scenarios: Iterable[Scenario], modules: Sequence[ModuleType]) -> Iterator[Finding]:
    """Where these modules name a scenario, or say that something is undetermined because of one."""
    ids = frozenset(one.id for one in scenarios)
    for module in modules:
        path = Path(str(module.__file__))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)) if text in ids:
                    yield Finding(path, node.lineno, f"it knows the scenario {text}", EXPECTED)
                case ast.keyword(arg="because"):
                    yield Finding(path, node.value.lineno, "it says because of which scenario", EXPECTED)
