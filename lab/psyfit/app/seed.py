"""db:seed: load the made-up history into an empty database."""

from __future__ import annotations

import io
import os
from datetime import date, datetime
from typing import Any

from . import clock
from .database import transaction
from .history import Table, tables
from .records import Row, Value
from .refusal import Refused
from .settings import DatabaseSettings, Keys


def seed(database: DatabaseSettings, keys: Keys) -> None:
    """Load every table in one transaction.

    The history leads up to the day in the environment variable SEED_TODAY (YYYY-MM-DD), by default today in Tokyo.

    Raises:
        Refused: There are people already, or SEED_TODAY is not a day.
        DatabaseFailed: The database refused; nothing was loaded.
    """
    today = _anchor()
    with transaction(database, seconds=None) as cursor:
        cursor.execute("SELECT count(*) FROM people")
        (people,) = cursor.fetchone()
        if people:
            raise Refused(f"There are {people} people in {database.name} already: only an empty database is seeded")
        total = 0
        for table in tables(today, keys):
            rows = _load(cursor, table)
            total += rows
            print(f"{table.name:<20}{rows:>7}", flush=True)
        cursor.execute("REFRESH MATERIALIZED VIEW clinic_activity")
    print(f"{total} rows of the time up to {today} loaded", flush=True)


def copy_line(row: Row) -> str:
    """One row in the text form of COPY."""
    return "\t".join(map(_field, row)) + "\n"


def _anchor() -> date:
    text = os.environ.get("SEED_TODAY")
    if not text:
        return clock.now().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"SEED_TODAY must be a day such as 2026-02-14, not {text!r}") from None


def _load(cursor: Any, table: Table) -> int:
    from psycopg2 import sql

    lines = [copy_line(row) for row in table.rows]
    name = sql.Identifier(table.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    cursor.copy_expert(sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns), io.StringIO("".join(lines)))
    cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table.name, len(lines)])
    return len(lines)


def _field(value: Value) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return r"\\x" + value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
