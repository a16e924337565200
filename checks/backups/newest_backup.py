"""The newest backup, and how old it is by each thing that tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from checks.backups.backup_files import Backup, PlainBackup, backups, read_plain
from checks.backups.encrypted_backups import read_encrypted
from checks.formats.ages import Ago, ago
from runbook.observation.snapshot import Snapshot

AgeBy = Literal["its newest row", "its start", "its name", "its modification time"]


@dataclass(frozen=True)
class NewestBackup:
    """The newest backup by its name, the one that is gone back to, read whole.

    Attributes:
        flaw: What is wrong with it, as far as it can be told without the private key; None where nothing is.
        age: None where its rows should tell how old it is, and there are none.
    """

    file: Backup
    flaw: str | None
    age: Age | None


@dataclass(frozen=True)
class Age:
    """How old a backup is, and what says so.

    Attributes:
        zone_assumed: The column says no zone with its times, so they were taken as UTC: so Rails keeps them, unless it
            was told otherwise.
    """

    backup: str
    made: Ago
    by: AgeBy
    column: str | None = None
    zone_assumed: bool = False

    def __str__(self) -> str:
        zone = ", whose times have no zone and are taken as UTC" if self.zone_assumed else ""
        by = f"{self.by} ({self.column}{zone})" if self.column else self.by
        return f"{self.backup} was made {self.made}, by {by}"


def newest_backup(snapshot: Snapshot) -> NewestBackup | None:
    """The newest backup by its name; None where there is none. Only this one is read."""
    newest = next(reversed(snapshot.observe(backups)), None)
    if newest is None:
        return None
    if newest.encrypted:
        (sealed,) = read_encrypted(snapshot, [newest])
        return NewestBackup(newest, sealed.flaw, _age_by_name(newest))
    (plain,) = read_plain(snapshot, [newest])
    return NewestBackup(newest, plain.dump.flaw, _age_of(snapshot, plain))


def _age_of(snapshot: Snapshot, one: PlainBackup) -> Age | None:
    """By its newest row where the target names columns; a dump without any row in them shows nothing."""
    if not snapshot.target.backups.freshness_columns:
        return _age_by_start(one)
    newest = one.dump.newest_row
    if newest is None:
        return None
    made = ago(newest.at, one.file.seen_at)
    return Age(one.file.name, made, "its newest row", newest.column, zone_assumed=not newest.zoned)


def _age_by_start(one: PlainBackup) -> Age:
    if one.dump.started is None:
        return _age_by_name(one.file)
    return Age(one.file.name, ago(one.dump.started, one.file.seen_at), "its start")


def _age_by_name(one: Backup) -> Age:
    return Age(one.name, one.made, "its name" if one.named_at else "its modification time")
