"""Section 5: the backups are there, new, whole and for the right eyes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from statistics import median

from pytest_bdd import parsers, then

from checks.backups.backup_files import Backup, PlainBackup
from checks.backups.backup_permissions import Place
from checks.backups.newest_backup import NewestBackup
from checks.formats.ages import ago
from checks.formats.file_modes import FileMode
from checks.server.cron_jobs import Job
from checks.server.job_log import LastRuns
from runbook.model.outcome import NotApplicable, Undetermined, require

FEWEST_FOR_USUAL = 2


@then("there is at least one backup of the database")
def there_is_a_backup(backups: tuple[Backup, ...]) -> None:
    require(backups, expected="at least one backup", actual="none", section="10")


@then(parsers.parse("the content of the newest backup is less than {limit:d} hours old"))
def content_is_fresh(newest_backup: NewestBackup | None, limit: int) -> None:
    age = newest_backup.age if newest_backup else None
    require(
        age and age.made.less_than(timedelta(hours=limit)),
        expected=f"content that is less than {limit} h old",
        actual=str(age or "no time stamp in its rows"),
        section="10",
    )


@then("the newest backup is intact to its last byte")
def newest_is_whole(newest_backup: NewestBackup | None) -> None:
    require(
        newest_backup and not newest_backup.flaw,
        expected="a newest backup that is intact",
        actual=f"{newest_backup.file.name}: {newest_backup.flaw}" if newest_backup else "no backup",
        section="5.1",
    )


@then("no backup holds older content than the one before it")
def content_moves_on(plain_backups: tuple[PlainBackup, ...]) -> None:
    whole = [one for one in plain_backups if one.dump.gzip_whole and one.dump.complete]
    dated = [(one.file.name, row.at) for one in whole if (row := one.dump.newest_row)]
    if len(dated) < 2:
        raise NotApplicable("fewer than two intact plain backups have rows that show their age")
    back = [
        f"{later[0]} holds older rows than {earlier[0]}" for earlier, later in pairwise(dated) if later[1] < earlier[1]
    ]
    require(
        not back, expected="newest rows that are no older than those of the backup before", actual=back, section="10"
    )
    for one in whole:
        _newest_row_has_been(one)


def _newest_row_has_been(one: PlainBackup) -> None:
    """A row that is dated ahead of the clock stays the newest, whatever else is in a backup: then nothing is told.

    Raises:
        Undetermined: The newest row is such a one.
    """
    row = one.dump.newest_row
    if row is not None:
        zone = "" if row.zoned else " (a time without a zone, taken as UTC)"
        ago(row.at, one.file.seen_at).past(f"the newest row of {one.file.name} in {row.column}{zone}")


@then("every plain backup can be decompressed to its last byte")
def gzip_is_whole(plain_backups: tuple[PlainBackup, ...]) -> None:
    _some(plain_backups)
    broken = [one.file.name for one in plain_backups if not one.dump.gzip_whole]
    require(not broken, expected="every gzip intact", actual=named("not whole", broken), section="10")


@then("every plain backup that can be decompressed is one complete dump, from its first line to its last")
def dump_is_complete(plain_backups: tuple[PlainBackup, ...]) -> None:
    _some(plain_backups)
    readable = [one for one in plain_backups if one.dump.gzip_whole]
    if not readable:
        raise Undetermined("no plain backup can be decompressed", because="the-plain-backups-are-intact")
    broken = [f"{one.file.name}: {one.dump.flaw}" for one in readable if not one.dump.complete]
    require(not broken, expected="one dump each, from pg_dump's first line to its last", actual=broken, section="10")


@then(parsers.parse("the newest dump has at least {percent:d} % of the usual size"))
def size_is_not_smaller(plain_backups: tuple[PlainBackup, ...], percent: int) -> None:
    newest, usual = _sizes(plain_backups)
    require(
        newest >= usual * percent / 100,
        expected=f"at least {percent} % of {usual:.0f} bytes, the median of those before",
        actual=f"{newest} bytes, {100 * newest / usual:.0f} %",
        section="10",
    )


@then(parsers.parse("the newest dump has at most {percent:d} % of the usual size"))
def size_is_not_larger(plain_backups: tuple[PlainBackup, ...], percent: int) -> None:
    newest, usual = _sizes(plain_backups)
    require(
        newest <= usual * percent / 100,
        expected=f"at most {percent} % of {usual:.0f} bytes, the median of those before",
        actual=f"{newest} bytes, {100 * newest / usual:.0f} %",
        section="10",
    )


def _sizes(plain_backups: tuple[PlainBackup, ...]) -> tuple[int, float]:
    """The newest dump's size and the median of those before it, in bytes without compression."""
    sizes = [one.dump.size_bytes for one in plain_backups if one.dump.gzip_whole]
    if len(sizes) <= FEWEST_FOR_USUAL:
        raise NotApplicable(
            f"{len(sizes)} plain backups that can be decompressed are not enough history to compare with"
        )
    usual = median(sizes[:-1])
    if usual == 0:
        raise Undetermined("the dumps before the newest one are empty: there is no usual size")
    return sizes[-1], usual


def _some(plain_backups: tuple[PlainBackup, ...]) -> None:
    if not plain_backups:
        raise NotApplicable("every backup is encrypted: the restore drill checks what is in them")


@then("the backup that the log names last exists")
def log_agrees(backups: tuple[Backup, ...], last_runs: LastRuns, cron_jobs: dict[str, Job]) -> None:
    run = last_runs.of("backup.sh")
    named = run.backup if run else None
    require(
        named in {one.path for one in backups},
        expected="the file of the last “Backup successful” or “Backup encrypted” line",
        actual=f"{named} is not among the backups" if named else f"no such line in {cron_jobs['backup.sh'].log}",
        section="5.2",
    )


@then(parsers.parse("no backup is more than {days:d} days old, not counting the newest {kept:d}"))
def old_ones_are_removed(backups: tuple[Backup, ...], days: int, kept: int) -> None:
    require_none_older(backups[:-kept], days, kept)


def require_none_older(removable: Iterable[Backup], days: int, kept: int) -> None:
    """Hold those that may be removed, the newest of their kind left aside, to their time."""
    found, limit = list(removable), timedelta(days=days)
    old = [one.name for one in found if not one.made.in_future and not one.made.at_most(limit)]
    require(not old, expected=f"only the newest {kept} older than {days} days", actual=old, section="10")
    for one in found:
        one.made.past(f"the time of {one.name}")


@then(parsers.parse("there are at least {fewest:d} backups"))
def enough_are_kept(backups: tuple[Backup, ...], fewest: int) -> None:
    require(len(backups) >= fewest, expected=f"at least {fewest}", actual=f"{len(backups)} backups", section="5.1")


@then(parsers.parse("the backup folder is accessible to its owner only, mode {mode}"))
def folder_is_closed(backup_modes: tuple[FileMode, ...], mode: str) -> None:
    _closed(backup_modes[:1], mode)


@then(parsers.parse("every backup is readable by its owner only, mode {mode}"))
def files_are_closed(backup_modes: tuple[FileMode, ...], mode: str) -> None:
    _closed(backup_modes[1:], mode)


def _closed(found: tuple[FileMode, ...], mode: str) -> None:
    open_ones = [one for one in found if one.mode & ~int(mode, 8)]
    require(
        found and not open_ones, expected=f"mode {mode} or less", actual=open_ones or "nothing there", section="5.2"
    )


@then("the backups share no file system with the root, the service or Docker")
def own_file_system(backup_places: tuple[Place, ...]) -> None:
    own, *others = backup_places
    shared = [one.path for one in others if one.device == own.device]
    require(
        others and not shared,
        expected="a file system of their own: a full disk then stops neither the service nor the backups",
        actual=f"{own.path} is on one with {' and '.join(shared)}",
        section="10",
    )


@then(parsers.parse("the newest intact plain backup has at least {percent:d} % of production's tables"))
def the_tables_are_in_it(
    plain_backups: tuple[PlainBackup, ...], tables_of_production: frozenset[str], percent: int
) -> None:
    _some(plain_backups)
    whole = [one for one in plain_backups if one.dump.gzip_whole and one.dump.complete]
    if not whole:
        raise Undetermined("no plain backup is intact", because="the-plain-backups-are-intact")
    missing = sorted(tables_of_production - set(whole[-1].dump.tables))
    require(
        tables_of_production and 100 * len(missing) <= (100 - percent) * len(tables_of_production),
        expected=f"{percent} % of production's {len(tables_of_production)} tables in {whole[-1].file.name}",
        actual=named("not in it", missing) if missing else "production has no table",
        section="5.1",
    )


def named(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names)}"
