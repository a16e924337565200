"""What `make mutate` changes: what judges, one change at a time, and nothing that only tells."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutation import explained
from tests.mutation.weakening import module

ROOT = Path(__file__).resolve().parents[2]


def _weakened(tmp_path: Path, body: str) -> dict[str, str]:
    """Each change of a function with this body: what is said of it, and the body after it."""
    path = tmp_path / "steps.py"
    path.write_text(f"def judge(seen, limit):\n    {body}\n")
    found = {}
    for number in range(len(module(path).weakenings)):
        fresh = module(path)
        fresh.weakenings[number].change()
        changed = ast.unparse(fresh.tree).partition("\n    ")[2].replace("\n    ", "; ")
        found[fresh.weakenings[number].what] = changed
    return found


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("return seen < limit", {"return seen <= limit"}),
        ("return seen in limit", {"return seen not in limit"}),
        ("return seen and limit", {"return limit", "return seen"}),
        ("return not seen", {"return seen"}),
        ("return seen + 3", {"return seen + 4"}),
        ("return [a for a in seen if a.bad]", {"return [a for a in seen]"}),
        ("return any(seen)", {"return all(seen)"}),
        ("return seen if limit else 'x'", {"return seen", "return 'x'"}),
        ("if seen: return limit", {"if False:;     return limit"}),
        ("require(seen, expected='1', actual=f'{limit + 1}', section='2')",
         {"require(True, expected='1', actual=f'{limit + 1}', section='2')"}),
        ("raise Undetermined('a' if seen else 'b')", set()),
        ("return f'{seen + 1}'", set()),
        ("return Command('df', seconds=5)", set()),
        ("return True", set()),
    ],
)  # fmt: skip
def test_what_judges_is_weakened_and_words_are_not(tmp_path: Path, body: str, after: set[str]) -> None:
    assert set(_weakened(tmp_path, body).values()) == after


def test_a_change_says_what_it_changes(tmp_path: Path) -> None:
    assert list(_weakened(tmp_path, "return seen >= limit")) == ["seen >= limit → seen > limit"]


def test_every_explanation_is_of_a_change_that_there_is() -> None:
    table = explained.load()
    found = [one for file in {entry.file for entry in table} for one in module(ROOT / file).weakenings]
    assert [entry for entry in table if not any(entry.is_of(one) for one in found)] == []
    assert all(entry.why for entry in table)
