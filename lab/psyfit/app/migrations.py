"""The database's schema, one SQL file a change, each applied once."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .database import transaction
from .refusal import Refused
from .settings import ROOT, DatabaseSettings

FOLDER = ROOT / "db" / "migrate"
LOCK_SALT = 2_053_462_845
"""Rails' own number: with the database's name it makes the lock by which one migration waits for another."""


@dataclass(frozen=True)
class Migration:
    """One file of db/migrate."""

    version: str
    name: str
    path: Path


def migrations() -> list[Migration]:
    """This release's migrations, oldest first."""
    return [_migration(path) for path in sorted(FOLDER.glob("[0-9]*_*.sql"))]


def migrate(database: DatabaseSettings) -> None:
    """Apply what the database does not have yet, each in a transaction of its own.

    Raises:
        DatabaseFailed: The database refused one; those before it stay applied.
    """
    lock = LOCK_SALT * zlib.crc32(database.name.encode())
    with transaction(database, seconds=None) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        cursor.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY)")
    for migration in migrations():
        with transaction(database, seconds=None) as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
            if migration.version not in _applied(cursor):
                _apply(cursor, migration)


def status(database: DatabaseSettings) -> str:
    """Which migrations the database has, in the form of ``rails db:migrate:status``.

    Raises:
        Refused: The database was never migrated.
        DatabaseFailed: The database could not be asked.
    """
    with transaction(database) as cursor:
        cursor.execute("SELECT to_regclass('schema_migrations')")
        if cursor.fetchone() == (None,):
            raise Refused("Schema migrations table does not exist yet.")
        applied = _applied(cursor)
    return table(database.name, migrations(), applied)


def table(database: str, files: Sequence[Migration], applied: set[str]) -> str:
    """The listing: what is applied, what is not yet, and what is applied but comes from another release."""
    names = {migration.version: migration.name.replace("_", " ").capitalize() for migration in files}
    lines = ["", f"database: {database}", "", " Status   Migration ID    Migration Name", "-" * 50]
    for version in sorted(applied | set(names)):
        state = "up" if version in applied else "down"
        lines.append(f"{state.center(8)}  {version.ljust(14)}  {names.get(version, '********** NO FILE **********')}")
    return "\n".join([*lines, ""])


def _migration(path: Path) -> Migration:
    version, _, name = path.stem.partition("_")
    return Migration(version, name, path)


def _applied(cursor: Any) -> set[str]:
    cursor.execute("SELECT version FROM schema_migrations")
    return {version for (version,) in cursor.fetchall()}


def _apply(cursor: Any, migration: Migration) -> None:
    title = f"{migration.version} {migration.name.title().replace('_', '')}"
    print(f"== {title}: migrating ".ljust(79, "="), flush=True)
    began = time.monotonic()
    cursor.execute(migration.path.read_text())
    cursor.execute("INSERT INTO schema_migrations (version) VALUES (%s)", [migration.version])
    print(f"== {title}: migrated ({time.monotonic() - began:.4f}s) ".ljust(79, "=") + "\n", flush=True)
