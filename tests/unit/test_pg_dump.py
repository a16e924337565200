"""A plain backup is read on the server by the command as it is declared, here on small dumps of all kinds."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats.pg_dump import READ, Dump, instant, read_dump
from runbook.model.target import BackupsSettings, Target
from runbook.model.template import template_values

COLUMNS = ("appointments.created_at", "audit_events.created_at")
TARGET = Target(
    name="t",
    environment="lab",
    address="127.0.0.1",
    domain="example.test",
    backups=BackupsSettings(freshness_columns=COLUMNS),
)
HEAD = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n"
ROWS = """
COPY public.appointments (id, note, created_at) FROM stdin;
1\t2029-01-01 00:00:00+00\t2026-02-13 17:00:00.25+00
2\t\\N\t2026-02-14 02:30:00+09
3\tgzip 0\t\\N
4\t-- PostgreSQL database dump complete\t2026-02-13 16:00:00+00
\\.

COPY public."audit_events" ("user", created_at) FROM stdin;
a\t2026-02-13 17:15:00.999999
gzip 0
\\.

COPY public.other_appointments (created_at) FROM stdin;
2030-01-01 00:00:00+00
\\.
"""
FOOT = "\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"
WHOLE = HEAD + ROWS + FOOT


def _read(folder: Path, octets: bytes) -> Dump:
    file = folder / "a dump's.sql.gz"
    file.write_bytes(octets)
    command = READ.with_values(file=str(file)).render(template_values(TARGET))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
    return read_dump(done.stdout)


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode())


def test_a_whole_dump(tmp_path: Path) -> None:
    dump = _read(tmp_path, _packed(WHOLE))
    assert dump.gzip_whole
    assert dump.complete
    assert dump.size_bytes == len(WHOLE.encode())


def test_the_newest_rows_are_compared_as_instants(tmp_path: Path) -> None:
    newest = _read(tmp_path, _packed(WHOLE)).newest_row
    assert newest is not None
    assert newest.column == "appointments.created_at"
    assert newest.at == datetime(2026, 2, 13, 17, 30, tzinfo=UTC)


def test_a_column_without_offset_is_in_utc(tmp_path: Path) -> None:
    of_column = {one.column: one.at for one in _read(tmp_path, _packed(WHOLE)).newest}
    assert of_column["audit_events.created_at"] == datetime(2026, 2, 13, 17, 15, tzinfo=UTC)


def test_two_whole_members_are_whole(tmp_path: Path) -> None:
    dump = _read(tmp_path, _packed(HEAD + ROWS) + _packed(FOOT))
    assert dump.gzip_whole
    assert dump.complete


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"not a gzip",
        _packed(WHOLE)[:-1],
        _packed(WHOLE)[:-9] + b"\0" + _packed(WHOLE)[-8:],
        _packed(HEAD + ROWS) + _packed(FOOT)[:-6],
        _packed(WHOLE) + b"garbage",
    ],
    ids=["empty", "no gzip", "cut off", "a changed byte", "the second member cut off", "garbage behind it"],
)
def test_a_gzip_that_is_not_whole(tmp_path: Path, octets: bytes) -> None:
    assert not _read(tmp_path, octets).gzip_whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD + ROWS,
        WHOLE[: WHOLE.index("2026-02-14 02:3")],
        WHOLE + WHOLE,
        WHOLE + "ERROR: something\n",
        "NOTICE: something\n" + WHOLE,
        WHOLE.replace("\n", "\r\n"),
        HEAD + "COPY public.t (a) FROM stdin;\n-- PostgreSQL database dump complete\n",
    ],
    ids=["empty", "no end", "cut in a row", "two", "more behind", "something before", "CRLF", "its end among the rows"],
)
def test_a_dump_that_is_not_complete(tmp_path: Path, text: str) -> None:
    dump = _read(tmp_path, _packed(text))
    assert dump.gzip_whole
    assert not dump.complete


@pytest.mark.parametrize("end", ["2026-02-14 02:3", "2026-02-14 02:30:00+", "2026-02-14 02:30:00+0", "02:30:00+09\n"])
def test_a_time_that_is_cut_off_does_not_count(tmp_path: Path, end: str) -> None:
    newest = _read(tmp_path, _packed(WHOLE[: WHOLE.index(end) + len(end)])).newest_row
    assert newest is not None
    whole = end.endswith("\n")
    assert newest.at == datetime(2026, 2, 13, 17, 30 if whole else 0, tzinfo=UTC)


def test_an_older_dump_without_restrict_is_complete(tmp_path: Path) -> None:
    text = WHOLE.replace("\\restrict abc\n", "").replace("\\unrestrict abc\n", "")
    assert _read(tmp_path, _packed(text)).complete


def test_when_it_started_is_read_where_the_zone_is_beyond_doubt(tmp_path: Path) -> None:
    started = HEAD + "-- Started on 2026-02-14 02:00:00 {}\n" + FOOT
    assert _read(tmp_path, _packed(started.format("UTC"))).started == datetime(2026, 2, 14, 2, tzinfo=UTC)
    assert _read(tmp_path, _packed(started.format("IST"))).started is None


def test_no_row_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "x.sql.gz"
    file.write_bytes(_packed(WHOLE.replace("a\t2026", "somebody\t2026") + "somebody\n"))
    command = READ.with_values(file=str(file)).render(template_values(TARGET))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert "somebody" not in done.stdout + done.stderr


def test_a_dump_of_nothing_has_no_size() -> None:
    assert read_dump("begins 0\ncompletes 0\nafter 0\nbytes 0\ngzip 0\n").size_bytes == 0


def test_postgresqls_offsets_are_read() -> None:
    assert instant("2026-02-14 02:00:00+05:30") == instant("2026-02-13 20:30:00")


@given(st.text())
def test_any_answer_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError, LookupError):
        read_dump(text)
    with contextlib.suppress(ValueError, LookupError):
        read_dump(f"begins 1\ncompletes 1\nafter 0\nbytes 1\ngzip 0\nnewest {text}\nstarted {text} UTC")
