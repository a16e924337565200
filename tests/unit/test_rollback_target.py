"""Which release is the one to roll back to, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checks.containers import Container
from checks.environment import Variable
from checks.migrations import read_migrations
from checks.releases import born
from checks.rollback_target import RollbackTarget, choose
from tests.unit.test_containers import container

BEGUN = datetime(2026, 2, 24, tzinfo=UTC)


def release(name: str, *, running: bool = False) -> Container:
    return replace(container(name), id=name, name=name, running=running)


def test_the_newest_of_those_made_before_the_running_one_is_chosen() -> None:
    releases = [release("a"), release("b"), release("c", running=True), release("failed")]
    created = {one.id: BEGUN + timedelta(hours=number) for number, one in enumerate(releases)}

    pair = choose(releases, created)

    assert pair is not None
    assert [one.name for one in pair] == ["b", "c"]


def test_by_when_it_was_made_and_not_by_its_name() -> None:
    releases = [release("f00"), release("a11"), release("b22", running=True)]
    created = {"f00": BEGUN + timedelta(hours=1), "a11": BEGUN, "b22": BEGUN + timedelta(hours=2)}

    pair = choose(releases, created)

    assert pair is not None
    assert pair[0].name == "f00"


def test_there_is_none_where_none_or_several_run_or_none_is_older() -> None:
    created = {"a": BEGUN, "b": BEGUN + timedelta(hours=1)}

    assert choose([release("a"), release("b")], created) is None
    assert choose([release("a", running=True), release("b", running=True)], created) is None
    assert choose([release("a", running=True), release("b")], created) is None
    assert choose([release("a", running=True), release("b")], dict.fromkeys("ab", BEGUN)) is None


def test_a_release_is_as_old_as_its_name_says_even_where_its_container_was_made_again() -> None:
    inspected = {"Name": "/psyfit-web-1771891200", "Created": "2026-03-01T00:00:00Z"}

    assert born(inspected, "psyfit-web-") == BEGUN
    assert born({**inspected, "Name": "/psyfit-web-97a992f"}, "psyfit-web-") == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_variable_that_is_missing_or_another_is_named() -> None:
    one, other = Variable("1", 32, False, 16), Variable("2", 32, False, 16)
    target = RollbackTarget(
        release("a"),
        release("b", running=True),
        True,
        {"A": one, "B": one, "E": one},
        {"A": one, "B": other, "C": one},
        (),
        (),
    )

    assert target.unlike(("A", "B", "C", "D", "E")) == ("B", "C", "D", "E")


def test_migrations_are_the_files_that_begin_with_digits() -> None:
    paths = ["migrate/", "migrate/20251001000000_create_clinics.sql", "migrate/README", "./20251008000000_x.rb"]

    assert read_migrations(paths) == {"20251001000000", "20251008000000"}


@given(st.lists(st.text()))
def test_paths_of_any_kind_are_read(paths: list[str]) -> None:
    assert all(version.isdigit() for version in read_migrations(paths))
