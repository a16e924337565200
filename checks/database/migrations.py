"""The migrations that the releases and the clone have, beside those that the database has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.database.psql import in_database
from checks.docker.containers import CONTAINERS, fleet
from checks.docker.release_age import created_at
from runbook.model import rights
from runbook.model.git_as_owner import answered, asking_git
from runbook.model.outcome import Undetermined
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

IN_IMAGE = Command(
    "folder=$(docker inspect --format '{{{{.Config.WorkingDir}}}}' {release}) || exit\n"
    "exec 4>&1\n"
    'status=$({{ {{ docker cp {release}:"$folder"/db/migrate -; echo "$?" >&3; }} | tar -tf - >&4; }} 3>&1) && '
    'exit "$status"',
    needs=rights.DOCKER,
    lane="docker",
    seconds=10,
)
"""A stopped container's files can be read too; none is written anywhere. A copy that breaks off between two files looks
whole to tar, so both have to end well."""

APPLIED = in_database("SELECT version FROM schema_migrations")

IN_CLONE = Command(asking_git("ask_git {app} ls-tree --name-only HEAD db/migrate/"), needs=rights.CLONE)


@dataclass(frozen=True)
class Migrations:
    """What the database lacks.

    Attributes:
        releases: For each running release, or for the newest that is kept where none runs, the migrations of its image
            that the database does not have.
        clone: Those of the clone's commit.
        without: Which of these releases have no migration at all where migrations are looked for.
        clone_without: Whether the clone has none there.
    """

    releases: dict[str, tuple[str, ...]]
    clone: tuple[str, ...]
    without: tuple[str, ...]
    clone_without: bool


def migrations(snapshot: Snapshot) -> Migrations:
    """The migrations that the running releases and the clone have, and the database does not.

    Raises:
        Undetermined: There is no release to look into.
    """
    present, inspected = snapshot.observe(fleet).releases, snapshot.ask(CONTAINERS)
    with reading("the releases"):
        created = {str(one["Id"]): created_at(one, snapshot.target.containers.web_prefix) for one in inspected}
        newest_first = sorted(present, key=lambda one: created[one.id], reverse=True)
    releases = [one for one in newest_first if one.running] or newest_first[:1]
    if not releases:
        raise Undetermined("there is no web release, neither running nor stopped")
    applied, in_clone, *in_images = snapshot.ask(
        APPLIED, IN_CLONE, *(IN_IMAGE.with_values(release=one.name) for one in releases)
    )
    theirs = set(applied.required("the migrations that the database has").lines)
    images = {
        one.name: told.required(f"the migrations in the image of {one.name}").lines
        for one, told in zip(releases, in_images, strict=True)
    }
    of_clone = answered(in_clone, "the migrations in the clone").lines
    return Migrations(
        releases={name: lacking(paths, theirs) for name, paths in images.items()},
        clone=lacking(of_clone, theirs),
        without=tuple(name for name, paths in images.items() if not read_migrations(paths)),
        clone_without=not read_migrations(of_clone),
    )


def lacking(paths: Iterable[str], applied: set[str]) -> tuple[str, ...]:
    """The versions of the migrations among these files that were not applied, oldest first."""
    return tuple(sorted(read_migrations(paths) - applied))


def read_migrations(paths: Iterable[str]) -> set[str]:
    """The versions of the migrations among these files: the digits before the first ``_``."""
    versions = (PurePosixPath(path).name.partition("_")[0] for path in paths)
    return {version for version in versions if version.isascii() and version.isdigit()}
