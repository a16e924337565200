"""How long ago something was: within its limit, beyond it, and what is ahead of the clock is neither."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.data_regression import NewestRows
from checks.backups.newest_backup import Age
from checks.formats.ages import SLACK, Ago, ago
from checks.formats.pg_dump import read_dump
from checks.server.ports_and_logs import read_service_logs
from runbook.model.outcome import Mismatch, Undetermined
from steps.access import the_log_is_written_to
from steps.backups import content_is_fresh
from steps.restore import the_database_has_moved_on
from tests.unit.test_sentences import seen
from triage.page import ago as told_ago

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("seconds", "less", "at_most"),
    [(0, True, True), (3599, True, True), (3600, False, True), (3601, False, False), (-60, True, True)],
)
def test_a_time_is_within_its_limit_or_not(seconds: float, less: bool, at_most: bool) -> None:
    one = ago(NOW - timedelta(seconds=seconds), NOW)
    assert (one.less_than(HOUR), one.at_most(HOUR)) == (less, at_most)
    assert one.past("it") is one


@given(st.timedeltas(min_value=SLACK + timedelta(microseconds=1), max_value=timedelta(days=9999)), st.timedeltas())
def test_a_time_ahead_of_the_clock_is_within_no_limit(ahead: timedelta, limit: timedelta) -> None:
    one = Ago(-ahead.total_seconds())
    assert not one.less_than(limit)
    assert not one.at_most(limit)
    with pytest.raises(Undetermined, match=r"^its time is .* ahead of the clock: its time or the clock is wrong$"):
        one.past("its time")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-60, "60 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7200, "2.0 h ago"),
        (172800, "2 days ago"),
        (-9 * 3600, "9.0 h ahead of the clock"),
    ],
)
def test_an_age_is_said_in_one_unit(seconds: float, words: str) -> None:
    assert str(Ago(seconds)) == words


def test_what_triage_shows_of_a_time_ahead_of_the_clock_is_not_now() -> None:
    assert told_ago(timedelta(hours=-3)) == "3 h ahead of the clock"
    assert told_ago(timedelta(seconds=-1)) == "0 s ago"


def test_a_log_whose_file_is_dated_ahead_is_not_one_that_is_written_to() -> None:
    logs = read_service_logs("now 1790000000\nlog 1790003600 5 regular file /a.log\n")
    with pytest.raises(Mismatch, match=r"/a\.log was written to 60 min ahead of the clock"):
        the_log_is_written_to(logs, {"a.sh": seen(log="/a.log")}, "a.sh", "7", "minute")


TOLD = "begins 1\ncompletes 1\nafter 0\nbytes 1\ngzip 0\n"


@pytest.mark.parametrize(
    ("stamp", "zoned"),
    [("2026-02-14 11:00:00", False), ("2026-02-14 11:00:00+00", True), ("2026-02-14 11:00:00-03:30", True)],
)
def test_a_time_in_a_dump_is_known_to_say_its_zone_or_not(stamp: str, zoned: bool) -> None:
    (newest,) = read_dump(f"newest users.created_at {stamp}\n{TOLD}").newest
    assert newest.zoned is zoned


def test_rows_that_seem_to_come_from_the_future_are_told_with_the_zone_that_was_assumed() -> None:
    """Rails with ``default_timezone = :local`` in Japan writes times that are nine hours ahead of UTC."""
    age = Age("x.sql.gz", Ago(-9 * 3600), "its newest row", "users.created_at", zone_assumed=True)
    with pytest.raises(Mismatch, match=r"9\.0 h ahead of the clock.*users\.created_at.*no zone and are taken as UTC"):
        content_is_fresh(seen(age=age), 25)
    assert "UTC" not in str(Age("x", Ago(5), "its newest row", "users.created_at"))


@pytest.mark.parametrize(("production", "in_backup"), [(HOUR, -HOUR), (HOUR, HOUR), (-HOUR, HOUR)])
def test_rows_dated_ahead_do_not_tell_that_the_database_has_not_gone_back(
    production: timedelta, in_backup: timedelta
) -> None:
    rows = NewestRows(NOW + production, "x.sql.gz", NOW + in_backup, NOW)
    with pytest.raises(Undetermined, match=r"ahead of the clock"):
        the_database_has_moved_on(rows)
