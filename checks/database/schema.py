"""What stands in a database, as its own catalogue tells: its schema, how many rows, sequences, the newest rows.

The same questions are asked of production and, with ``about(db=...)``, of what was restored from a backup. Names,
definitions and counts come back, never a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.database import catalogue_sql
from checks.database.psql import in_database
from runbook.model.question import Command, lines_of


def _asked(statement: str, seconds: int) -> Command:
    settings = " -c search_path=pg_catalog,public -c timezone=UTC"
    return in_database(statement, limit=seconds, seconds=seconds + 5, settings=settings)


SCHEMA = _asked(catalogue_sql.SCHEMA, seconds=20)
ROWS = _asked(catalogue_sql.ROWS, seconds=120)
SEQUENCES = _asked(catalogue_sql.SEQUENCES, seconds=20)
SYSTEM = _asked(catalogue_sql.SYSTEM, seconds=5)
TABLES = _asked(catalogue_sql.TABLES, seconds=5)
SIZE = _asked("SELECT pg_database_size(current_database())", seconds=10)
NEWEST = _asked("SELECT extract(epoch FROM max({column})::timestamptz) FROM {table}", seconds=60)
"""When the newest row is of. A time without a zone is taken as UTC: so Rails keeps its times."""

KINDS = {
    "tables and columns": ("table", "column"),
    "indexes": ("index",),
    "constraints": ("constraint",),
    "extensions": ("extension",),
    "views": ("view",),
    "sequences": ("sequence",),
    "triggers, functions and types": ("trigger", "function", "type"),
    "encoding and collation": ("encoding", "collation", "ctype"),
}
"""The kinds of things by the words that a sentence has for them."""

SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Schema:
    """All that stands in a database but for its rows.

    Attributes:
        things: The definition of each, by its kind and name.
    """

    things: Mapping[tuple[str, str], str]

    def named(self, kind: str) -> tuple[str, ...]:
        """The names of all things of one kind."""
        return tuple(name for one, name in self.things if one == kind)

    @property
    def is_empty(self) -> bool:
        """Nobody has made anything in it: what every new database has does not count."""
        return not {kind for kind, _ in self.things} & {"table", "view", "sequence", "function", "type"}

    def differs_from(self, production: Schema, kinds: Iterable[str]) -> tuple[str, ...]:
        """What of these kinds is not as in production, a phrase each.

        An index that production itself cannot use is in no dump.
        """
        return tuple(self._differences(production, frozenset(kinds)))

    def _differences(self, production: Schema, kinds: frozenset[str]) -> Iterator[str]:
        for thing, expected in production.things.items():
            kind, name = thing
            found = self.things.get(thing)
            if kind not in kinds or (kind == "index" and expected.endswith("NOT VALID")):
                continue
            if found is None:
                yield f"{kind} {name} is missing"
            elif found != expected:
                yield f"{kind} {name} is {_shown(found)} in the backup, {_shown(expected)} in production"
        for kind, name in self.things:
            if kind in kinds and (kind, name) not in production.things:
                yield f"{kind} {name} is in the backup only"

    def migrations_since(self, production: Schema) -> tuple[str, ...]:
        """The migrations that production has had since the backup was made; none where it is of another database."""
        ours, theirs = set(self.named("migration")), set(production.named("migration"))
        return tuple(sorted(theirs - ours)) if ours and ours < theirs else ()


def _shown(definition: str) -> str:
    text = " ".join(definition.split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def read_schema(text: str) -> Schema:
    """Read the answer to `SCHEMA`.

    Raises:
        ValueError, TypeError: A line is not of its form.
    """
    things: dict[tuple[str, str], str] = {}
    for line in lines_of(text):
        kind, name, definition = _texts(line, 3)
        things[kind, name] = definition
    return Schema(things)


def read_rows(text: str) -> dict[str, int]:
    """How many rows each table has, from the answer to `ROWS`.

    Raises:
        ValueError, TypeError: A line is not of its form.
    """
    return {table: int(count) for table, count in (_texts(line, 2) for line in lines_of(text))}


def read_behind(text: str) -> tuple[str, ...]:
    """The sequences that would give a number again, from the answer to `SEQUENCES`.

    Raises:
        ValueError, TypeError: A line is not of its form.
    """
    told = dict(_texts(line, 2) for line in lines_of(text))
    if unknown := set(told.values()) - {"true", "false"}:
        raise ValueError(f"{', '.join(sorted(unknown))} is neither true nor false")
    return tuple(name for name, behind in told.items() if behind == "true")


def read_newest(text: str) -> datetime | None:
    """When the newest row is of, from the answer to `NEWEST`; None where there is no row.

    Raises:
        ValueError: It is no time.
    """
    seconds = text.strip()
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{seconds} is not a time") from None


def _texts(line: str, count: int) -> list[str]:
    found = json.loads(line)
    if not isinstance(found, list) or len(found) != count:
        raise TypeError(f"a line is not a list of {count}")
    return [str(one) for one in found]
