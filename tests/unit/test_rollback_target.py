"""Which release is the one to roll back to, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.database.migrations import APPLIED, IN_CLONE, IN_IMAGE, migrations, read_migrations
from checks.deploy.rollback_target import RollbackTarget, choose, rollback_target
from checks.docker.containers import Container
from checks.docker.images import IMAGES
from checks.docker.release_age import created_at
from checks.secrets.environment import Variable
from runbook.model.outcome import Undetermined
from runbook.model.question import Output, Question
from runbook.model.target import Target
from tests.unit.answering import looking
from tests.unit.test_containers import container, kept, server_with

BEGUN = datetime(2026, 2, 24, tzinfo=UTC)
TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
OLD, NEW, NEWER = (f"psyfit-web-177190000{number}" for number in range(3))


def answers(*inspected: dict[str, Any], images: tuple[str, ...] = ()) -> dict[Question[Any], object]:
    """Of a server whose database has migration 1, whose releases have 1 and 2, and whose clone has 1, 2 and 3."""
    paths = [f"migrate/{number}_x.rb\n" for number in (1, 2, 3)]
    return {
        **server_with(*inspected),
        IMAGES: tuple({"Id": image} for image in images),
        APPLIED: Output(0, "1\n", ""),
        IN_CLONE: Output(0, "".join(paths), ""),
        **{IN_IMAGE.with_values(release=name): Output(0, "".join(paths[:2]), "") for name in (OLD, NEW, NEWER)},
    }


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

    assert created_at(inspected, "psyfit-web-") == BEGUN
    assert created_at({**inspected, "Name": "/psyfit-web-97a992f"}, "psyfit-web-") == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_variable_that_is_missing_or_another_is_named() -> None:
    one, other = Variable("1", 32, False, 16), Variable("2", 32, False, 16)
    target = RollbackTarget(
        release("a"),
        release("b", running=True),
        True,
        {"A": one, "B": one, "E": one},
        {"A": one, "B": other, "C": one},
        False,
        (),
        (),
    )

    assert target.unlike(("A", "B", "C", "D", "E")) == ("B", "C", "D", "E")


def test_migrations_are_the_files_that_begin_with_digits() -> None:
    paths = ["migrate/", "migrate/20251001000000_create_clinics.sql", "migrate/README", "./20251008000000_x.rb"]

    assert read_migrations(paths) == {"20251001000000", "20251008000000"}
    assert read_migrations(["\u0661_in_other_digits.rb"]) == set()


@pytest.mark.parametrize(
    ("running", "looked_into"),
    [((), {NEWER}), ((OLD,), {OLD}), ((OLD, NEW), {OLD, NEW})],
    ids=["none", "an older one", "two"],
)
def test_migrations_are_those_of_what_runs_or_else_of_the_newest(
    running: tuple[str, ...], looked_into: set[str]
) -> None:
    inspected = [kept(name, running=name in running) for name in (OLD, NEW, NEWER)]
    found = looking(TARGET, answers(*inspected)).observe(migrations)
    assert found.releases == dict.fromkeys(looked_into, ("2",))
    assert found.clone == ("2", "3")


def test_without_a_release_no_migration_can_be_told() -> None:
    with pytest.raises(Undetermined, match="no web release"):
        looking(TARGET, answers()).observe(migrations)


def test_the_image_to_roll_back_to_is_there_or_not() -> None:
    releases = (kept(OLD, running=False), kept(NEW))
    for there in (True, False):
        images = (f"image of {OLD if there else NEW}",)
        found = looking(TARGET, answers(*releases, images=images)).observe(rollback_target)
        assert found is not None
        assert (found.release.name, found.running.name, found.image_there) == (OLD, NEW, there)


def test_without_an_older_release_there_is_nothing_to_roll_back_to() -> None:
    assert looking(TARGET, answers(kept(NEW))).observe(rollback_target) is None


@given(st.lists(st.text()))
def test_paths_of_any_kind_are_read(paths: list[str]) -> None:
    assert all(version.isdigit() for version in read_migrations(paths))
