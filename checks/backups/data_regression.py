"""Whether the database is older than its own backups: somebody has put one of them in its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from checks.backups.backup_files import plain_backups
from checks.database.schema import NEWEST, read_newest
from checks.formats.ages import ago
from runbook.model.outcome import NotApplicable, Undetermined
from runbook.observation.snapshot import Snapshot, reading


@dataclass(frozen=True)
class NewestRows:
    """When the newest rows are of, in the columns that the target names.

    Attributes:
        production: None where there is no row in them.
        backup: The plain backup with the newest row of all.
        in_backup: When that one is of.
        seen_at: The server's own time.
    """

    production: datetime | None
    backup: str
    in_backup: datetime
    seen_at: datetime

    @property
    def hours_behind(self) -> float | None:
        """How many hours production is behind that backup; negative where it has moved on, None without a row."""
        return None if self.production is None else (self.in_backup - self.production).total_seconds() / 3600

    def require_past(self) -> None:
        """A row that is dated ahead of the clock stays the newest, whatever was put in the database's place.

        Raises:
            Undetermined: The database or the backup has such a one.
        """
        for whose, at in (("the database", self.production), (self.backup, self.in_backup)):
            if at is not None:
                what = f"the newest row of {whose} (a time without a zone is taken as UTC)"
                ago(at, self.seen_at).past(what)


def newest_rows(snapshot: Snapshot) -> NewestRows:
    """The newest rows of the database, beside those of the plain backups.

    Raises:
        NotApplicable: The target names no columns.
        Undetermined: No backup with such a row can be read here.
    """
    columns = snapshot.target.backups.freshness_columns
    if not columns:
        raise NotApplicable("the target names no columns with the time of a row (key backups.freshness_columns)")
    pairs = [column.split(".") for column in columns]
    asked = snapshot.ask_all(NEWEST.with_values(table=table, column=column) for table, column in pairs)
    with reading("the newest rows"):
        times = [read_newest(one.required("the newest rows").out) for one in asked]
    in_backups = [
        (newest.at, one.file.name, one.file.seen_at)
        for one in snapshot.observe(plain_backups)
        if (newest := one.dump.newest_row) is not None
    ]
    if not in_backups:
        raise Undetermined("there is no plain backup with rows in the columns that the target names")
    at, backup, seen_at = max(in_backups)
    return NewestRows(max((one for one in times if one is not None), default=None), backup, at, seen_at)
