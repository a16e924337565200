"""Exit codes: the table in the README is the test's data."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from runbook.exits import Event, exit_code, worst
from runbook.outcome import Outcome

README = Path(__file__).resolve().parents[2] / "README.md"
ROW = re.compile(r"^\| `(\d+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
HAPPENINGS: dict[str, Outcome | Event] = {str(one): one for one in (*Outcome, *Event)}
HAPPENINGS["let through by an override"] = HAPPENINGS.pop(Outcome.WAIVED)  # nothing else is waived yet


def table() -> list[tuple[int, list[Outcome | Event]]]:
    """Each row of the README's table: the code, and what alone leads to it; worst first."""
    return [
        (int(code), [HAPPENINGS[word] for word in happened.split(", ")])
        for code, happened in ROW.findall(README.read_text())
    ]


def test_the_table_names_everything_that_can_happen() -> None:
    named = [one for _, happened in table() for one in happened]
    assert sorted(named) == sorted(HAPPENINGS.values())


@pytest.mark.parametrize(("code", "happened"), [(code, one) for code, listed in table() for one in listed])
def test_each_alone_gives_its_code(code: int, happened: Outcome | Event) -> None:
    assert exit_code({happened}) == code


@pytest.mark.parametrize(("worse", "better"), list(combinations(table(), 2)))
def test_of_two_the_row_above_decides(
    worse: tuple[int, list[Outcome | Event]], better: tuple[int, list[Outcome | Event]]
) -> None:
    assert exit_code({*worse[1], *better[1]}) == worst(better[0], worse[0]) == worse[0]


def test_nothing_at_all_is_never_green() -> None:
    assert exit_code(set()) == 2
