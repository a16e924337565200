"""The release to roll back to: the newest of those that were made before the running one and are kept, stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from checks.database.migrations import APPLIED, IN_IMAGE, lacking, read_migrations
from checks.docker.containers import CONTAINERS, Container, fleet
from checks.docker.images import IMAGES
from checks.docker.release_age import created_at
from checks.secrets.environment import Variable, read_variables
from runbook.observation.snapshot import Snapshot, reading


@dataclass(frozen=True)
class RollbackTarget:
    """A release that is kept, beside the one that runs.

    Attributes:
        image_there: Its image is there and has a name.
        variables: What it was created with.
        running_variables: The same of the release that runs.
        none_found: There is no migration in its image where migrations are looked for.
        not_applied: The migrations of its image that the database does not have.
        newer: The migrations that the database has and its image does not: the schema is newer by these.
    """

    release: Container
    running: Container
    image_there: bool
    variables: Mapping[str, Variable]
    running_variables: Mapping[str, Variable]
    none_found: bool
    not_applied: tuple[str, ...]
    newer: tuple[str, ...]

    def unlike(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these variables that are not in both releases with the same value."""
        ours, theirs = self.variables, self.running_variables
        return tuple(
            name
            for name in names
            if name not in ours or name not in theirs or ours[name].fingerprint != theirs[name].fingerprint
        )


def rollback_target(snapshot: Snapshot) -> RollbackTarget | None:
    """The release to roll back to; None where there is none, or not exactly one release runs."""
    present = snapshot.observe(fleet)
    inspected, images = snapshot.ask(CONTAINERS, IMAGES)
    with reading("the releases"):
        by_id = {str(one["Id"]): one for one in inspected}
        pair = choose(
            present.releases,
            {one.id: created_at(by_id[one.id], snapshot.target.containers.web_prefix) for one in present.releases},
        )
        if pair is None:
            return None
        release, running = pair
        details = by_id[release.id]
        image_there = details["Image"] in {one["Id"] for one in images}
        variables, running_variables = read_variables(details), read_variables(by_id[running.id])
    in_image, applied = snapshot.ask(IN_IMAGE.with_values(release=release.name), APPLIED)
    ours = in_image.required(f"the migrations in the image of {release.name}").lines
    theirs = set(applied.required("the migrations that the database has").lines)
    return RollbackTarget(
        release=release,
        running=running,
        image_there=image_there,
        variables=variables,
        running_variables=running_variables,
        none_found=not read_migrations(ours),
        not_applied=lacking(ours, theirs),
        newer=tuple(sorted(theirs - read_migrations(ours))),
    )


def choose(releases: Iterable[Container], created: Mapping[str, datetime]) -> tuple[Container, Container] | None:
    """The release to roll back to and the one that runs; None where there is no such pair.

    Args:
        releases: All web releases.
        created: When each was made, by its container's id.
    """
    every = tuple(releases)
    running = [one for one in every if one.running]
    if len(running) != 1:
        return None
    older = [one for one in every if not one.running and created[one.id] < created[running[0].id]]
    return (max(older, key=lambda one: created[one.id]), running[0]) if older else None
