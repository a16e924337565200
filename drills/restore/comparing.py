"""What the restored database holds, beside what production holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from checks.database.schema import (
    NEWEST,
    ROWS,
    SCHEMA,
    SEQUENCES,
    Schema,
    read_behind,
    read_newest,
    read_rows,
    read_schema,
)
from drills.restore.scratch_database import NAME
from runbook.drill.executor import DrillExecutor
from runbook.observation.snapshot import Snapshot, reading


@dataclass(frozen=True)
class Contents:
    """What stands in a database.

    Attributes:
        rows: How many, by table.
        behind: The sequences that would give a number again.
        newest: When its newest row is of, of the columns that the target names; None where there is no row.
    """

    schema: Schema
    rows: Mapping[str, int]
    behind: tuple[str, ...]
    newest: datetime | None


def contents_of_both(executor: DrillExecutor) -> tuple[Contents, Contents]:
    """The throw-away and production, asked together."""
    snapshot = executor.snapshot()
    looked = [_contents(snapshot, NAME), _contents(snapshot, snapshot.target.containers.db)]
    return looked[0], looked[1]


def _contents(snapshot: Snapshot, container: str) -> Contents:
    schema, rows, behind = snapshot.ask(*(one.with_values(db=container) for one in (SCHEMA, ROWS, SEQUENCES)))
    pairs = [column.split(".") for column in snapshot.target.backups.freshness_columns]
    newest = snapshot.ask_all(NEWEST.with_values(db=container, table=table, column=column) for table, column in pairs)
    with reading(f"the contents of {container}"):
        return Contents(
            read_schema(schema.required(f"the schema in {container}").out),
            read_rows(rows.required(f"the rows in {container}").out),
            read_behind(behind.required(f"the sequences in {container}").out),
            max((at for one in newest if (at := read_newest(one.out)) is not None), default=None),
        )


def rows_apart(found: Mapping[str, int], expected: Mapping[str, int], within: Callable[[str], int]) -> tuple[str, ...]:
    """The tables whose rows are not as many as in production, as phrases.

    Args:
        found: How many rows each restored table has.
        expected: How many rows each table of production has.
        within: How many percent of production's rows a table may have more or fewer, rounded up to a row.
    """

    def is_apart(table: str) -> bool:
        few, many = found.get(table, 0), expected[table]
        return abs(few - many) > ceil(many * within(table) / 100) or (few == 0 < many)

    return tuple(
        f"{table} has {found.get(table, 0)} rows in the backup, {expected[table]} in production"
        for table in expected
        if is_apart(table)
    )
