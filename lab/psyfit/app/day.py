"""db:day: one more day of the service's life, as far as it has gone by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from .chance import Chance
from .clock import TOKYO, midnight
from .database import transaction
from .records import APPOINTMENT_COLUMNS, AUDIT_EVENT_COLUMNS, Row, appointments, audit_events
from .refusal import Refused
from .settings import DatabaseSettings

APPOINTMENTS = 24
AUDIT_EVENTS = 48


def add(database: DatabaseSettings, arguments: Sequence[str]) -> None:
    """Add each day's rows up to its end or to the instant given; those that are there already stay as they are.

    Args:
        arguments: Days (2026-02-14; whole, or up to the time of day in the environment variable DAY_UNTIL) and
            instants (2026-02-14T02:00:00, in Tokyo unless an offset is given).

    Raises:
        Refused: An argument is neither, or there are no people yet.
        DatabaseFailed: The database refused; nothing was added.
    """
    spans = [span(argument, os.environ.get("DAY_UNTIL")) for argument in arguments]
    with transaction(database, seconds=None) as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM people)")
        if cursor.fetchone() == (False,):
            raise Refused("Nobody is there to have a day: run bin/rails db:seed first")
        for each in spans:
            added = _insert(cursor, "appointments", APPOINTMENT_COLUMNS, each.appointments())
            added += _insert(cursor, "audit_events", AUDIT_EVENT_COLUMNS, each.audit_events())
            print(f"{each.day}: {added} rows added, before {each.before:%Y-%m-%d %H:%M:%S}", flush=True)


@dataclass(frozen=True)
class Span:
    """A day in Tokyo from its beginning to before an instant."""

    day: date
    before: datetime

    def appointments(self) -> list[Row]:
        """The appointments made in it."""
        chance = Chance(f"appointments of {self.day}")
        made = self._instants(APPOINTMENTS, chance)
        return [
            row
            for row, at in zip(appointments(made, midnight(self.day), chance), made, strict=True)
            if at < self.before
        ]

    def audit_events(self) -> list[Row]:
        """What happened in it."""
        chance = Chance(f"audit events of {self.day}")
        happened = self._instants(AUDIT_EVENTS, chance)
        return [row for row, at in zip(audit_events(happened, chance), happened, strict=True) if at < self.before]

    def _instants(self, count: int, chance: Chance) -> list[datetime]:
        return chance.instants(count, midnight(self.day), midnight(self.day + timedelta(days=1)))


def span(argument: str, day_until: str | None) -> Span:
    """What an argument asks for.

    Raises:
        Refused: It is neither a day nor an instant, or DAY_UNTIL is not a time of day.
    """
    try:
        day = date.fromisoformat(argument)
    except ValueError:
        instant = _instant(argument)
        return Span(instant.date(), instant)
    if not day_until:
        return Span(day, midnight(day + timedelta(days=1)))
    try:
        return Span(day, datetime.combine(day, time.fromisoformat(day_until), TOKYO))
    except ValueError:
        raise Refused(f"DAY_UNTIL must be a time of day such as 02:00:00, not {day_until!r}") from None


def _instant(argument: str) -> datetime:
    try:
        instant = datetime.fromisoformat(argument)
    except ValueError:
        raise Refused(
            f"db:day takes days and instants such as 2026-02-14 and 2026-02-14T02:00:00, not {argument!r}"
        ) from None
    return instant.replace(tzinfo=TOKYO) if instant.tzinfo is None else instant.astimezone(TOKYO)


def _insert(cursor: Any, table: str, columns: tuple[str, ...], rows: list[Row]) -> int:
    """Insert the rows whose first column, a UUID, is not there yet."""
    from psycopg2 import sql
    from psycopg2.extras import execute_values

    names = [sql.Identifier(column) for column in columns]
    # Asked before, since a row refused by ON CONFLICT would use up a number of the sequence.
    cursor.execute(
        sql.SQL("SELECT {}::text FROM {} WHERE {} = ANY(%s::uuid[])").format(names[0], sql.Identifier(table), names[0]),
        [[row[0] for row in rows]],
    )
    there = {key for (key,) in cursor.fetchall()}
    new = [row for row in rows if row[0] not in there]
    if new:
        execute_values(
            cursor,
            sql.SQL("INSERT INTO {} ({}) VALUES %s").format(sql.Identifier(table), sql.SQL(", ").join(names)),
            new,
        )
    return len(new)
