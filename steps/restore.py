"""Section 5.3: what it means that a backup brings the database back."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from pytest_bdd import given, parsers, then, when

from checks.ages import Ago, ago
from checks.backups import Backup
from checks.containers import fleet
from checks.going_back import NewestRows
from checks.schema import KINDS
from drills import restore, throwaway
from drills.restore import Opened, Restored
from drills.throwaway import Place
from runbook.operator import Operator
from runbook.outcome import NotApplicable, Undetermined, require

ANY_OTHER = "any other"


@given("the latest backup, or the one that is named", target_fixture="backup")
def latest_backup(operator: Operator, named_backup: str | None) -> Backup:
    return restore.named(operator, named_backup) if named_backup else restore.latest(operator)


@given("the latest encrypted backup, if that is a different one", target_fixture="backup")
def latest_encrypted_backup(operator: Operator, named_backup: str | None) -> Backup:
    sealed = restore.latest_encrypted(operator)
    if named_backup:
        raise NotApplicable("the drill was asked for another backup")
    if sealed is None:
        raise NotApplicable("no backup is encrypted")
    if sealed == restore.latest(operator):
        raise NotApplicable("the latest backup is the latest encrypted one")
    return sealed


@given("it can be read to its last byte and is one complete dump", target_fixture="opened")
def read_whole(operator: Operator, backup: Backup) -> Opened:
    opened = restore.opened(operator, backup)
    operator.backup = backup.name
    operator.figure("backup", f"{backup.name}, {backup.size_bytes} bytes, SHA-256 {opened.digest}")
    require(
        opened.flaw is None,
        expected="one dump, complete from its first line to its last",
        seen=f"{backup.name}: {opened.flaw}",
        go_to="5.1",
    )
    return opened


@given("there is room for it next to production", target_fixture="place")
def room_beside_production(operator: Operator, opened: Opened) -> Place:
    place = throwaway.place(operator, opened.dump.size_bytes)
    missing = place.missing()
    require(not missing, expected="room for the scratch database, and a reserve", seen=missing, go_to="10")
    return place


@when("it is restored into a scratch database", target_fixture="restored")
def restored_into_throwaway(operator: Operator, opened: Opened, place: Place) -> Restored:
    return restore.restore(operator, opened, place)


@then("the scratch database is isolated from the network")
def throwaway_is_confined(operator: Operator) -> None:
    openings = throwaway.unconfined(operator)
    require(not openings, expected="no network, no port, no more than its share", seen=openings, go_to="5.3")


@then(parsers.parse("its {things} match production"))
def as_in_production(restored: Restored, things: str) -> None:
    ours, theirs = restored.contents.schema, restored.production.schema
    since = ours.migrations_since(theirs)
    if since:
        raise Undetermined(
            f"production has been migrated since this backup ({', '.join(since)}): the next one will show its schema"
        )
    apart = ours.differs_from(theirs, KINDS[things])
    require(not apart, expected=f"the {things} of production", seen=apart, go_to="5.1")


@then("no sequence is behind its column")
def no_sequence_is_behind(restored: Restored) -> None:
    behind = restored.contents.behind
    require(
        not behind,
        expected="sequences that are ahead of their columns",
        seen=[f"{sequence} is behind its column" for sequence in behind],
        go_to="5.1",
    )


@then("each table has as many rows as production, within these limits")
def rows_within_limits(operator: Operator, restored: Restored, datatable: list[list[str]]) -> None:
    limits = {table: int(percent) for table, percent in datatable[1:]}
    _rows_within(operator, restored, defaultdict(lambda: limits[ANY_OTHER], limits))


@then(parsers.parse("each table has as many rows as production, within {percent:d} %"))
def rows_within_one_limit(operator: Operator, restored: Restored, percent: int) -> None:
    _rows_within(operator, restored, defaultdict(lambda: percent))


def _rows_within(operator: Operator, restored: Restored, limits: defaultdict[str, int]) -> None:
    found, expected = restored.contents.rows, restored.production.rows
    operator.figure("rows", f"{sum(found.values())} in {len(found)} tables")
    apart = restore.rows_apart(found, expected, limits.__getitem__)
    require(expected and not apart, expected="as many rows as in production", seen=apart, go_to="5.1")


@then(
    parsers.parse(
        "in {count:d} rows taken at random, every encrypted value decrypts with the key of the running release"
    )
)
def values_open(operator: Operator, count: int) -> None:
    look = operator.look()
    columns = look.target.backups.encrypted_columns
    if not columns:
        raise Undetermined("the target names no backups.encrypted_columns: nothing shows which values to decrypt")
    release = look.see(fleet).running_releases[0].name
    found = restore.decrypted(operator, columns, count, release)
    operator.figure("encrypted values that decrypted", f"{sum(one.good for one in found)} of {len(found)} columns")
    closed = [f"{one.name}: {one.bad} of {one.good + one.bad} do not" for one in found if one.bad or not one.good]
    require(not closed, expected="values that decrypt with today's keys", seen=closed, go_to="8.2")


@then("its newest row meets the RPO")
def newest_row_is_new(operator: Operator, restored: Restored) -> None:
    target = operator.target
    if not target.backups.freshness_columns:
        raise Undetermined("the target names no backups.freshness_columns: nothing shows how old the content is")
    newest, limit = restored.contents.newest, target.objectives.rpo_hours
    age = ago(newest, restored.opened.backup.seen_at) if newest else None
    within = age is not None and age.at_most(timedelta(hours=limit))
    shown = "no row" if age is None else _before(age)
    operator.figure("newest row (RPO)", shown, objective=f"{limit} h", within=within)
    require(within, expected=f"a newest row of at most {limit} h ago", seen=f"newest row: {shown}", go_to="5.1")


def _before(age: Ago) -> str:
    """Its words are for people who go by hours: the objective is in hours."""
    if age.in_future:
        return f"{age} (a time without a zone is taken as UTC)"
    return f"{age.seconds / 3600:.1f} h before the drill"


@then("the time that it took meets the RTO")
def restored_in_time(operator: Operator, restored: Restored) -> None:
    limit, took = operator.target.objectives.rto_seconds, sum(restored.seconds.values())
    for phase, seconds in restored.seconds.items():
        operator.figure(phase, f"{seconds:.1f} s")
    operator.figure("time to restore the database (RTO)", f"{took:.1f} s", objective=f"{limit} s", within=took <= limit)
    require(took <= limit, expected=f"at most {limit} s", seen=f"{took:.1f} s", go_to="5.3")


@then("production is unchanged")
def production_is_untouched(operator: Operator, restored: Restored) -> None:
    changed = restore.identity(operator).differs_from(restored.opened.production)
    require(not changed, expected="the same container, cluster and schema", seen=changed, go_to="3.2")


@then("the newest row of the database is not older than the newest row of the plain backups")
def the_database_has_moved_on(newest_rows: NewestRows) -> None:
    newest_rows.require_past()
    behind = newest_rows.hours_behind
    require(
        behind is not None and behind <= 0,
        expected=f"a row as new as the newest of {newest_rows.backup}, or newer",
        seen="no row" if behind is None else f"the newest row is {behind:.1f} h older than that",
        go_to="5.3",
    )
