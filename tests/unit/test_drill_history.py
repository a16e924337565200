"""What the server has noted of drills: each line that can be read counts, and each that cannot is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.drill_history import PASSED, passed_drills, read_passed
from runbook.model.outcome import Mismatch
from runbook.model.question import Output
from runbook.model.target_file import load
from steps.encryption import a_drill_has_looked_inside
from tests.unit.answering import looking
from tests.unit.test_sentences import seen

NOW, DAY = 1_790_000_000, 86400
GOOD = f"passed {NOW - DAY}\tthe-latest\tcopy of x.sql.gz.gpg\n"


def judge(noted: str) -> None:
    """Whether a drill has looked inside, by these lines of the server's notes."""
    snapshot = looking(load("lab"), {PASSED: Output(0, f"now {NOW}\n{noted}", "")})
    a_drill_has_looked_inside(snapshot, (seen(encrypted=True),), snapshot.observe(passed_drills))


@pytest.mark.parametrize("line", [GOOD, f"passed {NOW - DAY} the-latest x.sql.gz.gpg\n"], ids=["tabs", "blanks"])
def test_a_line_is_read_in_both_forms(line: str) -> None:
    judge(line)


@pytest.mark.parametrize(
    "spoilt",
    [
        f"passed {NOW - DAY} the-latest copy of x.sql.gz.gpg\n",
        "passed 17900\n",
        "passed \n",
        f"passed {NOW}\tthe-latest\t\n",
        f"passed {'9' * 30}\tthe-latest\tx.gpg\n",
        "passed ½ a b.gpg\n",
    ],
)
def test_a_line_that_cannot_be_read_spoils_no_other_and_is_named(spoilt: str) -> None:
    judge(spoilt + GOOD)
    judge(GOOD + spoilt)
    with pytest.raises(Mismatch, match=r"none is noted on the server, line 1 of /var/lib/psyfit-runbook/passed cannot"):
        judge(spoilt)


def test_where_each_line_can_be_read_none_is_named() -> None:
    with pytest.raises(Mismatch, match="seen: none is noted on the server;"):
        judge("")


def test_a_drill_that_is_noted_ahead_of_the_clock_is_not_one_that_was_held() -> None:
    ahead = f"passed {NOW + 30 * DAY}\tthe-latest\tx.sql.gz.gpg\n"
    with pytest.raises(Mismatch, match="30 days ahead of the clock"):
        judge(ahead)
    judge(GOOD + ahead)


@given(st.lists(st.text(alphabet="passed 0123456789\tx.gpg-", max_size=40) | st.text(max_size=20)))
def test_whatever_stands_among_the_notes_the_good_line_counts(foreign: list[str]) -> None:
    lines = [f"passed {line}" for line in foreign if "\n" not in line]
    found = read_passed("\n".join([f"now {NOW}", *lines, GOOD]))
    assert any(one.backup == "copy of x.sql.gz.gpg" for one in found.noted)
    assert len(found.noted) + len(found.unreadable) == len(lines) + 1
