"""The restore drill's own reckoning: what the pipe said, how many rows may be apart, how much room is wanted."""

from __future__ import annotations

import subprocess
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.restore.comparing import rows_apart
from drills.restore.decrypting import Column, read_decrypted, sample
from drills.restore.loading import FIRST_ERROR, flaw_of_load
from drills.restore.opening import flaw_of_seal
from drills.restore.scratch_database import CLUSTER_BYTES, MEBIBYTE, RESERVE_BYTES, WORK_BYTES, Place, read_memory
from drills.restore.session_key import SessionKey

GIBIBYTE = 1024 * MEBIBYTE


# Loading


def first_error(text: str) -> list[str]:
    """What the filter on the server lets through of psql's errors."""
    script = FIRST_ERROR.replace("{{", "{").replace("}}", "}")
    done = subprocess.run(["sh", "-c", script], input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('ERROR:  42P01: relation "public.nowhere" does not exist', 'relation "public.nowhere" does not exist'),
        ('ERROR:  23505: could not create unique index "people_pkey"', 'unique index "people_pkey"'),
        ('ERROR:  0A000: extension "postgis" is not available', 'extension "postgis"'),
        ("error: invalid command \\restrict", "invalid command \\restrict"),
    ],
)
def test_an_error_keeps_the_names_of_things(line: str, kept: str) -> None:
    (said,) = first_error(f"psql:<stdin>:7: {line}\nLINE 1: x\n")
    assert said.startswith("said psql:<stdin>:7: ")
    assert kept in said


@pytest.mark.parametrize(
    "line",
    [
        'ERROR:  22P02: invalid input syntax for type integer: "花子"',
        'ERROR:  22P02: invalid input syntax for type integer: "a "花子" b"',
        'ERROR:  42601: syntax error at or near "花子"',
        'ERROR:  22008: date/time field value out of range: "花子"',
        "error: invalid command \\花子",
    ],
)
def test_an_error_that_may_quote_a_row_loses_the_quotation(line: str) -> None:
    (said,) = first_error(f"psql:<stdin>:7: {line}\n")
    assert "花子" not in said
    assert "…" in said


def test_only_the_first_error_and_psqls_status_are_kept() -> None:
    lines = [
        "NOTICE:  00000: 花子",
        "psql:<stdin>:7: ERROR:  42P01: one",
        "CONTEXT:  花子",
        "psql:<stdin>:8: ERROR:  42P01: two",
    ]
    assert first_error("\n".join([*lines, "psql 3", ""])) == ["said psql:<stdin>:7: ERROR:  42P01: one", "psql 3"]


@pytest.mark.parametrize(
    ("lines", "flaw"),
    [
        (["gzip 0", "psql 0"], None),
        (["gpg 0", "gzip 0", "psql 0"], None),
        (["gzip 141", "said ERROR: no", "psql 3"], "ERROR: no"),
        (["gzip 1", "psql 0"], "gzip ended with 1"),
        (["gpg 2", "gzip 0", "psql 0"], "gpg ended with 2"),
        (["gzip 0", "psql 2"], "psql ended with 2 and said nothing"),
        ([], "psql ended with nothing and said nothing"),
    ],
)
def test_a_load_is_whole_only_where_every_part_of_the_pipe_ended_well(lines: list[str], flaw: str | None) -> None:
    assert flaw_of_load(lines) == flaw


@given(st.lists(st.text()))
def test_foreign_lines_are_never_a_whole_load(lines: list[str]) -> None:
    assert flaw_of_load([line for line in lines if line != "psql 0"]) is not None


@pytest.mark.parametrize(
    ("lines", "flaw"),
    [
        (["[GNUPG:] DECRYPTION_OKAY", "[GNUPG:] GOODMDC", "gpg 0"], None),
        (["[GNUPG:] DECRYPTION_OKAY", "gpg 0"], "gpg cannot decrypt it to its last byte"),
        (["[GNUPG:] DECRYPTION_OKAY", "[GNUPG:] GOODMDC", "gpg 2"], "gpg cannot decrypt it to its last byte"),
        (["[GNUPG:] BADMDC", "gpg 2"], "it was changed or damaged after it was encrypted: its integrity check failed"),
        ([], "gpg cannot decrypt it to its last byte"),
    ],
)
def test_what_gpg_gave_out_is_trusted_only_where_it_says_so(lines: list[str], flaw: str | None) -> None:
    assert flaw_of_seal(lines) == flaw


def test_nothing_shows_the_key_of_a_message() -> None:
    key = SessionKey("9:ABCD")
    assert "ABCD" not in f"{key} {key!r}"
    assert bytes(key) == b"9:ABCD\n"


# Rows


@pytest.mark.parametrize(
    ("found", "expected", "is_apart"),
    [
        (100, 100, False),
        (99, 100, False),
        (98, 100, True),
        (101, 100, False),
        (102, 100, True),
        (7, 8, False),
        (6, 8, True),
        (0, 0, False),
        (1, 0, True),
        (0, 1, True),
    ],
)
def test_rows_may_be_a_percentage_apart_and_at_least_one_but_never_all_gone(
    found: int, expected: int, is_apart: bool
) -> None:
    assert bool(rows_apart({"people": found}, {"people": expected}, lambda _: 1)) is is_apart


def test_a_table_that_is_not_there_has_no_rows() -> None:
    assert rows_apart({}, {"people": 5}, lambda _: 50) == ("people has 0 rows in the backup, 5 in production",)


# Encrypted columns


def test_a_sample_takes_each_tables_columns_together() -> None:
    statement = sample(["people.email_bidx", "messages.body", "people.email"], 200)
    assert statement.count("LIMIT 200") == 2
    assert "(SELECT email, email_bidx FROM people ORDER BY random()" in statement
    assert "'table', 'messages'" in statement


def test_a_column_is_good_by_what_opens_or_matches() -> None:
    lines = ["rails 0", "matched people.bidx 3", "opened people.email 2", "refused people.email 1"]
    assert list(read_decrypted(["people.email", "people.bidx", "people.name"], lines)) == [
        Column("people.email", good=2, bad=1),
        Column("people.bidx", good=3, bad=0),
        Column("people.name", good=0, bad=0),
    ]


# The room


def place(database: int, *, disk: int = GIBIBYTE, memory: int = 4 * GIBIBYTE, cores: int = 2) -> Place:
    return Place(database, disk, memory, cores)


def test_a_small_database_stays_in_memory_and_cannot_outgrow_it() -> None:
    small = place(CLUSTER_BYTES)
    assert small.in_memory
    assert small.mount == f"type=tmpfs,destination=/restored,tmpfs-size={CLUSTER_BYTES}"
    assert small.memory_bytes == CLUSTER_BYTES + WORK_BYTES
    assert small.missing() == ()


def test_a_large_one_goes_to_a_volume_and_wants_room_on_the_disk() -> None:
    large = place(10 * GIBIBYTE, disk=10 * GIBIBYTE)
    assert not large.in_memory
    assert large.mount == "type=volume,destination=/restored"
    assert large.missing() == ("10240 MiB of disk, 10752 MiB needed",)
    assert place(10 * GIBIBYTE, disk=10 * GIBIBYTE + RESERVE_BYTES).missing() == ()


def test_without_memory_for_its_processes_there_is_no_room() -> None:
    assert place(GIBIBYTE, memory=GIBIBYTE - 1, disk=8 * GIBIBYTE).missing() == ("1024 MiB of memory, 1024 MiB needed",)


@pytest.mark.parametrize(("cores", "cpus"), [(1, 1), (2, 1), (8, 4)])
def test_it_takes_half_of_the_processors(cores: int, cpus: int) -> None:
    assert place(GIBIBYTE, cores=cores).cpus == cpus


def test_memory_and_processors_are_read() -> None:
    assert read_memory("MemAvailable:    2048 kB\n2\n") == (2048 * 1024, 2)


@given(st.text())
def test_a_foreign_answer_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        read_memory(text)
