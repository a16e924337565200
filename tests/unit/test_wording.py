"""No program goes by the words of a sentence that a person reads: it may be said better tomorrow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "checks",
    "commands",
    "discovery",
    "drills",
    "linting",
    "reporting",
    "runbook",
    "steps",
    "traceability",
    "triage",
)
TAKES_APART = {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "find"}
SEARCHES = {"match", "search", "fullmatch", "findall", "sub"}
OTHERS_WORDS = {("runbook/transport/s3.py", "str(error).partition(': \"')")}
"""What another program's library says, and what is done with it."""


def by_wording(source: str) -> Iterator[str]:
    """What of this code takes a reason, or what an exception says, apart; or compares it with words."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare(ops=ops) if any(isinstance(one, ast.In | ast.NotIn | ast.Eq | ast.NotEq) for one in ops):
                looked_at: list[ast.expr] = [node.left, *node.comparators]
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in TAKES_APART:
                looked_at = [value]
            case ast.Call(func=ast.Attribute(attr=name), args=args) if name in SEARCHES:
                looked_at = args
            case _:
                continue
        if any(_is_a_sentence(part) for one in looked_at for part in ast.walk(one)):
            yield ast.unparse(node)


def _is_a_sentence(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="reason"):
            return True
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id="error")]):
            return True
    return False


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_goes_by_wording(room: str) -> None:
    found = {
        (str(path.relative_to(ROOT)), text)
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in by_wording(path.read_text(encoding="utf-8"))
    }
    assert found <= OTHERS_WORDS


@pytest.mark.parametrize(
    "code",
    [
        'late = OUT_OF_TIME in (one.reason or "")',
        'lost = (one.reason or "").startswith("no line")',
        "if error.reason != BUSY: raise",
        'what = str(error).removeprefix(f"{table}: ")',
        'found = re.search("no line", one.reason)',
    ],
)
def test_what_does_is_found(code: str) -> None:
    assert list(by_wording(code))


@pytest.mark.parametrize("code", ["if error.reason is None: pass", "said = str(error)", "words = {one.reason: one}"])
def test_that_a_sentence_is_shown_is_not(code: str) -> None:
    assert not list(by_wording(code))
