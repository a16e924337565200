"""The health check's answer, whoever gave it."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.health import FORM, Health, count_rows, differences, instant, read_health
from runbook.question import HttpAnswer

HEALTHY: dict[str, Any] = {
    "status": "success",
    "data": {
        "health_status": "healthy",
        "timestamp": "2026-02-24T08:00:00+09:00",
        "version": "1.0.0",
        "checks": {"database": "ok"},
    },
}


def read(body: str, status: int = 200) -> Health:
    """What is read from such an answer."""
    return read_health(HttpAnswer(status, {}, body))


def test_the_runbooks_own_example_has_the_documented_form() -> None:
    health = read(json.dumps(HEALTHY))

    assert health.from_application
    assert not health.unlike_form
    assert (health.status, health.database, health.version) == ("healthy", "ok", "1.0.0")
    assert health.timestamp == datetime(2026, 2, 23, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize("body", ["", "OK", "<html>503</html>", "[]", "{}", '{"status": "success"}', '{"data": 3}'])
def test_what_a_proxy_answers_by_itself_is_not_the_applications(body: str) -> None:
    assert not read(body).from_application


def test_an_empty_answer_is_told_as_such() -> None:
    assert read("").answered == "HTTP 200 with an empty body"


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        (["status"], 1, "status is no text"),
        (["data", "version"], "", "data.version is no text"),
        (["data", "version"], None, "data.version is no text"),
        (["data", "timestamp"], "yesterday", "data.timestamp is no instant with its offset from UTC"),
        (["data", "timestamp"], "2026-02-24T08:00:00", "data.timestamp is no instant with its offset from UTC"),
        (["data", "checks"], "ok", "data.checks is no object"),
        (["data", "checks"], {}, "data.checks.database is missing"),
    ],
)
def test_each_field_that_differs_from_the_form_is_named(path: list[str], value: object, difference: str) -> None:
    changed = copy.deepcopy(HEALTHY)
    where: dict[str, Any] = changed
    for name in path[:-1]:
        where = where[name]
    where[path[-1]] = value

    assert list(differences(changed, FORM)) == [difference]


def test_a_field_beyond_the_form_is_no_difference() -> None:
    assert not list(differences({**HEALTHY, "more": 1}, FORM))


def test_instants_of_different_offsets_are_the_same() -> None:
    assert instant("2026-02-24T08:00:00+09:00") == instant("2026-02-23T23:00:00Z")


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('{"status": "success", "data": [1, 2]}', 2),
        ('{"status": "success", "data": {"clinics": [1], "total": 9}}', 1),
        ("[]", 0),
        ('{"status": "error"}', None),
        ("<html>", None),
    ],
)
def test_the_rows_of_a_page_are_counted(body: str, rows: int | None) -> None:
    assert count_rows(body) == rows


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_answer_is_read(body: str) -> None:
    health = read(body)

    assert not health.from_application
    assert health.unlike_form
    assert count_rows(body) is None or count_rows(body) == len(json.loads(body))


def test_an_answer_too_deep_to_read_is_no_json() -> None:
    assert not read("[" * 100_000).from_application
