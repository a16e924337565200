"""Section 4: nothing stands in the way of a deploy."""

from __future__ import annotations

import stat
from collections.abc import Iterable

from pytest_bdd import parsers, then

from checks.database.migrations import Migrations
from checks.deploy.git_clone import Clone
from checks.deploy.image_space import Room
from checks.deploy.in_progress import BACKUP_LOCK, DEPLOY_LOCK, DRILL_LOCK, InProgress, Kind
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.suite.run import Kind as RunKind

GB = 10**9
NAMED_AT_MOST = 8
LOCKS = {"deploys": DEPLOY_LOCK, "backups": BACKUP_LOCK, "drills": DRILL_LOCK}
TOGETHER: dict[str, tuple[Kind, ...]] = {
    "neither a deploy nor a clean-up": ("deploy", "clean-up"),
    "neither a backup nor a restore": ("backup", "restore"),
    "no migration": ("migration",),
}


# 4.1


@then(
    parsers.parse(
        "the Docker Engine's disk has space for another image of the running release's size plus {reserve:d} GB"
    )
)
def there_is_room(room: Room, reserve: int) -> None:
    wanted = room.image_bytes + reserve * GB
    require(
        room.free_bytes >= wanted,
        expected=f"{wanted / GB:.1f} GB free: {room.image_bytes / GB:.1f} GB for the image plus {reserve} GB",
        actual=f"{room.free_bytes / GB:.1f} GB free",
        section="9.3",
    )


@then(parsers.re("nobody holds the lock for (?P<whose>deploys|backups|drills)"))
def nobody_holds_the_lock(under_way: InProgress, run_kind: RunKind, whose: str) -> None:
    holders = under_way.holders.get(LOCKS[whose], ())
    _idle([f"{LOCKS[whose]} is held by {program}" for program in holders], run_kind)


@then(parsers.re(f"(?P<what>{'|'.join(TOGETHER)}) is running"))
def nothing_is_running(under_way: InProgress, run_kind: RunKind, what: str) -> None:
    _idle(under_way.running(*TOGETHER[what]), run_kind)


@then("no drill has left anything to undo")
def nothing_is_left_to_undo(under_way: InProgress) -> None:
    require(
        not under_way.undo,
        expected="no open entry in a drill's journal",
        actual=f"{len(under_way.undo)} open entries: `runbook recover` undoes them",
        section="3.4",
    )


# 4.2


@then(parsers.parse('the branch "{branch}" is checked out in the clone'))
def the_branch_is_checked_out(clone: Clone, branch: str) -> None:
    require(clone.branch == branch, expected=f"branch {branch}", actual=clone.branch or "no branch", section="4.2")


@then("the clone has no uncommitted changes")
def the_clone_is_clean(clone: Clone) -> None:
    seen = [*clone.changed, *(f"{path} (hidden from git)" for path in clone.hidden)]
    require(not seen, expected="no changed, new or hidden file", actual=_some(seen), section="4.2")


@then(parsers.parse('the clone is at the same commit as "{branch}" at its origin'))
def the_clone_stands_at_its_origin(clone: Clone, origin_commit: str | None, branch: str) -> None:
    require(
        clone.commit is not None and clone.commit == origin_commit,
        expected=f"the origin's {branch}, {(origin_commit or 'which does not exist')[:12]}",
        actual=f"the clone at {(clone.commit or 'no commit')[:12]}",
        section="4.2",
    )


@then("the deploy script is a file that its owner can execute")
def the_deploy_script_can_be_run(deploy_script: int | None) -> None:
    require(
        deploy_script is not None and stat.S_ISREG(deploy_script) and deploy_script & stat.S_IXUSR,
        expected="bin/deploy.sh is a file that its owner can execute",
        actual="there is none" if deploy_script is None else stat.filemode(deploy_script),
        section="4.2",
    )


# 4.3


@then("the database has every migration of the running releases")
def the_releases_migrations_are_applied(migrations: Migrations) -> None:
    seen = [f"{version} of {release}" for release, versions in migrations.releases.items() for version in versions]
    require(not seen, expected="every migration applied", actual=_some(seen), section="4.3")
    if migrations.without:
        raise none_found(f"the image of {', '.join(migrations.without)}")


@then("the database has every migration of the clone")
def the_clones_migrations_are_applied(migrations: Migrations) -> None:
    require(not migrations.clone, expected="every migration applied", actual=_some([*migrations.clone]), section="4.3")
    if migrations.clone_without:
        raise none_found("the clone")


def none_found(where: str) -> Undetermined:
    """That no migration is found says nothing of whether all were applied: they may lie in another folder."""
    return Undetermined(
        f"no migration was found in {where}, in db/migrate: whether all were applied cannot be determined"
    )


@then("nobody holds the database's migration lock")
def the_database_is_not_migrated(migrations_locked: bool, run_kind: RunKind) -> None:
    _idle(["a session holds it"] if migrations_locked else (), run_kind)


def _idle(busy: Iterable[object], run_kind: RunKind) -> None:
    """Nothing is under way. What is there for a moment only is a fault before a deploy, and in no other run."""
    seen = [str(one) for one in busy]
    if seen and run_kind != "gate":
        raise NotApplicable(f"{', '.join(seen)}: only a deploy has to wait for it")
    require(not seen, expected="nothing in progress", actual=seen, section="4.2")


def _some(names: list[str]) -> list[str]:
    more = len(names) - NAMED_AT_MOST
    return names if more <= 0 else [*names[:NAMED_AT_MOST], f"{more} more"]
