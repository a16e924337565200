"""What stands in a database: read from its catalogue's answers, and held against production's."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.database.schema import KINDS, Schema, read_behind, read_newest, read_rows, read_schema

TABLE = {("table", "people"): "", ("column", "people.id"): "bigint NOT NULL"}
INDEX = {("index", "people_pkey"): "CREATE UNIQUE INDEX people_pkey ON people USING btree (id)"}
ALL_KINDS = [kind for kinds in KINDS.values() for kind in kinds]


def migrated(*versions: str) -> Schema:
    return Schema({**TABLE, **{("migration", version): "" for version in versions}})


def test_a_schema_is_read_from_a_line_for_each_thing() -> None:
    lines = [json.dumps([kind, name, definition]) for (kind, name), definition in TABLE.items()]
    assert read_schema("\n".join(lines)) == Schema(TABLE)


def test_the_same_schema_does_not_differ() -> None:
    assert Schema({**TABLE, **INDEX}).differs_from(Schema({**INDEX, **TABLE}), ALL_KINDS) == ()


def test_what_is_missing_another_or_too_much_is_named() -> None:
    found = Schema({("table", "people"): "", ("column", "people.id"): "text", ("table", "notes"): ""})
    assert found.differs_from(Schema({**TABLE, **INDEX}), ALL_KINDS) == (
        "column people.id is text in the backup, bigint NOT NULL in production",
        "index people_pkey is missing",
        "table notes is in the backup only",
    )


def test_only_the_kinds_that_are_asked_for_are_compared() -> None:
    assert Schema(TABLE).differs_from(Schema({**TABLE, **INDEX}), KINDS["tables and columns"]) == ()
    assert Schema({**TABLE, **INDEX}).differs_from(Schema(TABLE), KINDS["tables and columns"]) == ()


def test_an_index_that_production_cannot_use_is_in_no_dump() -> None:
    unusable = {key: f"{definition} NOT VALID" for key, definition in INDEX.items()}
    assert Schema(TABLE).differs_from(Schema({**TABLE, **unusable}), ALL_KINDS) == ()
    assert Schema({**TABLE, **unusable}).differs_from(Schema({**TABLE, **INDEX}), ALL_KINDS)


def test_a_constraint_that_was_never_validated_is_in_a_dump() -> None:
    checked = {("constraint", "people.adult"): "CHECK (age > 17) NOT VALID"}
    assert Schema(TABLE).differs_from(Schema({**TABLE, **checked}), ALL_KINDS) == (
        "constraint people.adult is missing",
    )


def test_a_long_definition_is_cut() -> None:
    view = ("view", "activity")
    (said,) = Schema({view: "a\n" * 200}).differs_from(Schema({view: "b"}), ALL_KINDS)
    assert len(said) < 200
    assert "\n" not in said


def test_a_database_with_nothing_but_its_encoding_and_an_extension_is_empty() -> None:
    bare = {("encoding", "of the database"): "UTF8", ("extension", "plpgsql"): "1.0"}
    assert Schema(bare).is_empty
    assert not Schema({**bare, **TABLE}).is_empty


@pytest.mark.parametrize(
    ("ours", "theirs", "since"),
    [
        (["1", "2"], ["1", "2"], ()),
        (["1"], ["1", "2", "3"], ("2", "3")),
        (["1", "4"], ["1", "2"], ()),
        ([], ["1"], ()),
    ],
)
def test_migrations_since_the_backup_are_told_where_it_is_of_the_same_database(
    ours: list[str], theirs: list[str], since: tuple[str, ...]
) -> None:
    assert migrated(*ours).migrations_since(migrated(*theirs)) == since


def test_rows_and_sequences_are_read_from_a_line_each() -> None:
    assert read_rows('["people", "4000"]\n["clinics", 8]') == {"people": 4000, "clinics": 8}
    assert read_behind('["people_id_seq", "true"]\n["clinics_id_seq", "false"]') == ("people_id_seq",)


def test_the_newest_row_is_an_instant_or_none() -> None:
    assert read_newest("1772000000.5\n") == datetime.fromtimestamp(1772000000.5, UTC)
    assert read_newest("\n") is None


@pytest.mark.parametrize("line", ['"abc"', '["a", "b"]', "3"])
def test_a_line_that_is_no_list_of_its_length_is_refused(line: str) -> None:
    with pytest.raises(TypeError, match="not a list of 3"):
        read_schema(line)


@pytest.mark.parametrize("told", ["null", '"t"', '""'])
def test_a_sequence_of_which_it_is_not_told_is_not_taken_for_one_that_is_not_behind(told: str) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        read_behind(f'["clinics_id_seq", {told}]')


@pytest.mark.parametrize("read", [read_schema, read_rows, read_behind, read_newest])
@given(text=st.text())
def test_foreign_answers_are_read_or_refused(read: object, text: str) -> None:
    assert callable(read)
    with suppress(ValueError, LookupError, TypeError):
        read(text)


@given(st.lists(st.lists(st.text() | st.integers() | st.none(), max_size=4)))
def test_foreign_lines_of_json_are_read_or_refused(lines: list[list[object]]) -> None:
    text = "\n".join(json.dumps(line) for line in lines)
    for read in (read_schema, read_rows, read_behind):
        with suppress(ValueError, LookupError, TypeError):
            read(text)
