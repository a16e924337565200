"""Answers of any kind, to readers that no other test gives such: read, or refused by what `reading` catches."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from checks.backups.volume_archives import read_folders, read_volumes
from checks.database.schema import read_newest
from checks.database.service_logins import read_attempt
from checks.edge.health_api import read_health
from discovery.backups import read_columns
from discovery.facts import read_who
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import HttpAnswer
from runbook.model.question import Output
from runbook.observation.snapshot import reading

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Name", "Mounts", "Type", "Source", "data", "health_status"]), inner)
    ),
    max_leaves=8,
)
MOUNTS = st.lists(st.fixed_dictionaries({}, optional={"Name": ANYTHING, "Mounts": ANYTHING}), max_size=3)


@given(MOUNTS)
def test_any_inspection_has_volumes_or_is_refused(inspected: list[dict[str, object]]) -> None:
    with contextlib.suppress(Undetermined), reading("the volumes"):
        read_folders(inspected)
    with contextlib.suppress(Undetermined), reading("the volumes"):
        read_volumes(inspected, "psyfit-web-")


@given(st.integers(100, 599), st.text() | ANYTHING.map(json.dumps))
def test_any_answer_to_the_health_check_is_read(status: int, body: str) -> None:
    told = read_health(HttpAnswer(status, {}, body))
    assert told.http_status == status
    assert not (told.status and not told.from_application)


@given(st.integers(0, 255), st.text() | st.sampled_from(["1\n", "2\n", ""]), st.text())
def test_nobody_is_let_in_by_any_other_answer_than_the_one_that_was_asked_for(status: int, out: str, err: str) -> None:
    with contextlib.suppress(Undetermined):
        assert not read_attempt(Output(status, out, err)).taken or (status == 0 and out.strip() == "1")


@given(st.text() | st.floats().map(str))
def test_the_newest_row_has_a_time_or_is_refused(text: str) -> None:
    with contextlib.suppress(Undetermined), reading("the newest row"):
        assert (read_newest(text) is None) == (not text.strip())


@given(st.lists(st.text() | st.sampled_from(["root", "0", "lab", "a|b", "a.b|c"])))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    assert all("." in one for one in read_columns(lines))
    with contextlib.suppress(Undetermined), reading("the account"):
        read_who(lines)
