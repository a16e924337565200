"""Section 5.3: what it means that a backup brings the database back."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from pytest_bdd import given, parsers, then, when

from checks.backups.backup_files import Backup
from checks.backups.data_regression import NewestRows
from checks.database.schema import KINDS
from checks.docker.containers import fleet
from checks.formats.ages import Ago, ago
from drills.restore import comparing, decrypting, loading, opening, scratch_database
from drills.restore.loading import Restored
from drills.restore.opening import Opened
from drills.restore.scratch_database import Place
from runbook.drill.executor import DrillExecutor
from runbook.model.outcome import NotApplicable, Undetermined, require

ANY_OTHER = "any other"


@given("the latest backup, or the one that is named", target_fixture="backup")
def latest_backup(executor: DrillExecutor, named_backup: str | None) -> Backup:
    return opening.named(executor, named_backup) if named_backup else opening.latest(executor)


@given("the latest encrypted backup, if that is a different one", target_fixture="backup")
def latest_encrypted_backup(executor: DrillExecutor, named_backup: str | None) -> Backup:
    sealed = opening.latest_encrypted(executor)
    if named_backup:
        raise NotApplicable("the drill was asked for another backup")
    if sealed is None:
        raise NotApplicable("no backup is encrypted")
    if sealed == opening.latest(executor):
        raise NotApplicable("the latest backup is the latest encrypted one")
    return sealed


@given("it can be read to its last byte and is one complete dump", target_fixture="opened")
def read_whole(executor: DrillExecutor, backup: Backup) -> Opened:
    opened = opening.opened(executor, backup)
    executor.backup = backup.name
    executor.measure("backup", f"{backup.name}, {backup.size_bytes} bytes, SHA-256 {opened.digest}")
    require(
        opened.flaw is None,
        expected="one dump, complete from its first line to its last",
        actual=f"{backup.name}: {opened.flaw}",
        section="5.1",
    )
    return opened


@given("there is room for it next to production", target_fixture="place")
def room_beside_production(executor: DrillExecutor, opened: Opened) -> Place:
    place = scratch_database.place(executor, opened.dump.size_bytes)
    missing = place.missing()
    require(not missing, expected="room for the scratch database, and a reserve", actual=missing, section="10")
    return place


@when("it is restored into a scratch database", target_fixture="restored")
def restored_into_throwaway(executor: DrillExecutor, opened: Opened, place: Place) -> Restored:
    return loading.restore(executor, opened, place)


@then("the scratch database is isolated from the network")
def throwaway_is_confined(executor: DrillExecutor) -> None:
    openings = scratch_database.unconfined(executor)
    require(not openings, expected="no network, no port, no more than its share", actual=openings, section="5.3")


@then(parsers.parse("its {things} match production"))
def as_in_production(restored: Restored, things: str) -> None:
    ours, theirs = restored.contents.schema, restored.production.schema
    since = ours.migrations_since(theirs)
    if since:
        raise Undetermined(
            f"production has been migrated since this backup ({', '.join(since)}): the next one will show its schema"
        )
    apart = ours.differs_from(theirs, KINDS[things])
    require(not apart, expected=f"the {things} of production", actual=apart, section="5.1")


@then("no sequence is behind its column")
def no_sequence_is_behind(restored: Restored) -> None:
    behind = restored.contents.behind
    require(
        not behind,
        expected="sequences that are ahead of their columns",
        actual=[f"{sequence} is behind its column" for sequence in behind],
        section="5.1",
    )


@then("each table has as many rows as production, within these limits")
def rows_within_limits(executor: DrillExecutor, restored: Restored, datatable: list[list[str]]) -> None:
    limits = {table: int(percent) for table, percent in datatable[1:]}
    _rows_within(executor, restored, defaultdict(lambda: limits[ANY_OTHER], limits))


@then(parsers.parse("each table has as many rows as production, within {percent:d} %"))
def rows_within_one_limit(executor: DrillExecutor, restored: Restored, percent: int) -> None:
    _rows_within(executor, restored, defaultdict(lambda: percent))


def _rows_within(executor: DrillExecutor, restored: Restored, limits: defaultdict[str, int]) -> None:
    found, expected = restored.contents.rows, restored.production.rows
    executor.measure("rows", f"{sum(found.values())} in {len(found)} tables")
    apart = comparing.rows_apart(found, expected, limits.__getitem__)
    require(expected and not apart, expected="as many rows as in production", actual=apart, section="5.1")


@then(
    parsers.parse(
        "in {count:d} rows taken at random, every encrypted value decrypts with the key of the running release"
    )
)
def values_open(executor: DrillExecutor, count: int) -> None:
    snapshot = executor.snapshot()
    columns = snapshot.target.backups.encrypted_columns
    if not columns:
        raise Undetermined("the target names no backups.encrypted_columns: nothing shows which values to decrypt")
    release = snapshot.observe(fleet).running_releases[0].name
    found = decrypting.decrypted(executor, columns, count, release)
    executor.measure("encrypted values that decrypted", f"{sum(one.good for one in found)} of {len(found)} columns")
    closed = [f"{one.name}: {one.bad} of {one.good + one.bad} do not" for one in found if one.bad or not one.good]
    require(not closed, expected="values that decrypt with today's keys", actual=closed, section="8.2")


@then("its newest row meets the RPO")
def newest_row_is_new(executor: DrillExecutor, restored: Restored) -> None:
    target = executor.target
    if not target.backups.freshness_columns:
        raise Undetermined("the target names no backups.freshness_columns: nothing shows how old the content is")
    newest, limit = restored.contents.newest, target.objectives.rpo_hours
    age = ago(newest, restored.opened.backup.seen_at) if newest else None
    within = age is not None and age.at_most(timedelta(hours=limit))
    shown = "no row" if age is None else _before(age)
    executor.measure("newest row (RPO)", shown, objective=f"{limit} h", within=within)
    require(within, expected=f"a newest row of at most {limit} h ago", actual=f"newest row: {shown}", section="5.1")


def _before(age: Ago) -> str:
    """Its words are for people who go by hours: the objective is in hours."""
    if age.in_future:
        return f"{age} (a time without a zone is taken as UTC)"
    return f"{age.seconds / 3600:.1f} h before the drill"


@then("the time that it took meets the RTO")
def restored_in_time(executor: DrillExecutor, restored: Restored) -> None:
    limit, took = executor.target.objectives.rto_seconds, sum(restored.seconds.values())
    for phase, seconds in restored.seconds.items():
        executor.measure(phase, f"{seconds:.1f} s")
    executor.measure(
        "time to restore the database (RTO)", f"{took:.1f} s", objective=f"{limit} s", within=took <= limit
    )
    require(took <= limit, expected=f"at most {limit} s", actual=f"{took:.1f} s", section="5.3")


@then("production is unchanged")
def production_is_untouched(executor: DrillExecutor, restored: Restored) -> None:
    changed = opening.identity(executor).differs_from(restored.opened.production)
    require(not changed, expected="the same container, cluster and schema", actual=changed, section="3.2")


@then("the newest row of the database is not older than the newest row of the plain backups")
def the_database_has_moved_on(newest_rows: NewestRows) -> None:
    newest_rows.require_past()
    behind = newest_rows.hours_behind
    require(
        behind is not None and behind <= 0,
        expected=f"a row as new as the newest of {newest_rows.backup}, or newer",
        actual="no row" if behind is None else f"the newest row is {behind:.1f} h older than that",
        section="5.3",
    )
