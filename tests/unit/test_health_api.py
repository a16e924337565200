"""The health check's answer, whoever gave it."""

from __future__ import annotations

import contextlib
import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker.containers import NOW, Fleet, classify, read_container
from checks.edge.health_api import (
    DATABASE_PAGE,
    FORM,
    HEALTH,
    Health,
    count_rows,
    database_page,
    differences,
    health_age_seconds,
    instant,
    read_health,
)
from runbook.model.outcome import Mismatch, NotApplicable
from runbook.model.outside_questions import HttpAnswer
from runbook.model.question import Output
from runbook.model.target import ContainersSettings, Target
from runbook.model.template import template_values
from steps.containers import none_ran_out_of_memory, the_release_is_the_deployed_one, there_is_a_release_to_go_back_to
from steps.health import the_version_is_the_releases
from tests.unit.answering import looking
from tests.unit.test_containers import inspection

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
        (["status"], 1, "status is not text"),
        (["data", "version"], "", "data.version is not text"),
        (["data", "version"], None, "data.version is not text"),
        (["data", "timestamp"], "yesterday", "data.timestamp is not an instant with its offset from UTC"),
        (["data", "timestamp"], "2026-02-24T08:00:00", "data.timestamp is not an instant with its offset from UTC"),
        (["data", "checks"], "ok", "data.checks is not an object"),
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
        ('{"status": "success", "data": {"total": 9, "clinics": [1]}}', 1),
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


def test_a_word_that_is_no_text_is_none() -> None:
    assert read('{"data": {"health_status": "healthy", "version": 3}}').version is None


TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")


@pytest.mark.parametrize(("timestamp", "age"), [("2026-02-24T08:00:00+09:00", 2.5), ("yesterday", None)])
def test_an_answer_is_as_old_as_its_time_says(timestamp: str, age: float | None) -> None:
    said = HttpAnswer(200, {}, json.dumps({"data": {"timestamp": timestamp}}))
    assert looking(TARGET, {NOW: Output(0, "1771887602.5\n", ""), HEALTH: said}).observe(health_age_seconds) == age


def test_a_target_without_a_page_of_the_database_has_nothing_to_ask() -> None:
    with pytest.raises(NotApplicable, match=r"edge\.database_page"):
        looking(TARGET, {}).observe(database_page)
    assert DATABASE_PAGE.render(template_values(TARGET)) == "GET https://example.test<database_page>"


# The running release


def fleet(name: str = "psyfit-web-1", image: str = "psyfit:latest", **state: object) -> Fleet:
    """One web release whose image has no labels."""
    bare = inspection(name, **state)
    bare["Config"] = {"Labels": None, "Image": image}
    return classify([read_container(bare, 1_790_000_000.0)], ContainersSettings())


def says(version: str) -> Health:
    """A health answer that names this version."""
    changed = copy.deepcopy(HEALTHY)
    changed["data"]["version"] = version
    return read(json.dumps(changed))


HEAD = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


@pytest.mark.parametrize("version", [HEAD, HEAD[:7]])
def test_a_release_without_labels_may_name_the_commit_that_it_is_called_by(version: str) -> None:
    the_version_is_the_releases(says(version), fleet(image=f"psyfit:{HEAD}"))


@pytest.mark.parametrize("version", ["1.0.0", "0a1b2c", "f" * 40])
def test_a_release_without_labels_that_names_something_else_cannot_be_judged(version: str) -> None:
    with pytest.raises(NotApplicable):
        the_version_is_the_releases(says(version), fleet(image=f"psyfit:{HEAD}"))


def test_a_release_without_labels_is_the_deployed_one_by_its_name() -> None:
    the_release_is_the_deployed_one(fleet(name=f"psyfit-web-{HEAD}"), HEAD)
    with pytest.raises(Mismatch, match="made from ffffffffffff"):
        the_release_is_the_deployed_one(fleet(name=f"psyfit-web-{'f' * 40}"), HEAD)
    with pytest.raises(NotApplicable):
        the_release_is_the_deployed_one(fleet(), HEAD)


def test_memory_that_ran_out_counts_for_what_runs() -> None:
    none_ran_out_of_memory(fleet(Running=False, OOMKilled=True, ExitCode=137))
    with pytest.raises(Mismatch):
        none_ran_out_of_memory(fleet(OOMKilled=True))


@pytest.mark.parametrize(
    ("code", "out_of_memory", "good"),
    [
        (0, False, True),
        (137, False, True),
        (143, False, True),
        (137, True, False),
        (1, False, False),
        (126, False, False),
    ],
)
def test_a_release_that_was_stopped_is_a_way_back(code: int, out_of_memory: bool, good: bool) -> None:
    stopped = fleet(Running=False, ExitCode=code, OOMKilled=out_of_memory)
    with contextlib.nullcontext() if good else pytest.raises(Mismatch):
        there_is_a_release_to_go_back_to(stopped)


def test_an_answer_too_deep_to_read_is_no_json() -> None:
    assert not read("[" * 100_000).from_application
