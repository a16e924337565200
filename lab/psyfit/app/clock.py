"""The service's time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

TOKYO = timezone(timedelta(hours=9), "JST")
"""Asia/Tokyo has had no other offset since 1951."""


def now() -> datetime:
    """This instant, as a clock in Tokyo shows it."""
    return datetime.now(TOKYO)


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Tokyo."""
    return datetime.combine(day, time(), TOKYO)
