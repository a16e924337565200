"""Room for another release: how large an image is, and how much is free where the next one goes."""

from __future__ import annotations

from dataclasses import dataclass

from checks.docker.containers import CONTAINERS, fleet
from checks.docker.images import IMAGES, size_of_image
from checks.server.disk_space import PLACES, docker_disk
from runbook.model.outcome import Undetermined
from runbook.observation.snapshot import Snapshot, reading


@dataclass(frozen=True)
class Room:
    """What a release takes and what there is.

    Attributes:
        image_bytes: The running release's image with all its layers, as if the next one shared none of them.
        free_bytes: What is free on the disk of the Docker Engine.
    """

    image_bytes: int
    free_bytes: int


def room(snapshot: Snapshot) -> Room:
    """The size of the running release's image (where none runs, of the newest), and the room for another."""
    inspected, images, _ = snapshot.ask(CONTAINERS, IMAGES, PLACES)
    releases, disk = snapshot.observe(fleet), snapshot.observe(docker_disk)
    newest = next(iter((*releases.running_releases, *releases.releases)), None)
    if newest is None:
        raise Undetermined("there is no web release, so nothing shows how large the next one is")
    with reading("the image's size"):
        return Room(size_of_image(newest.id, inspected, images), disk.free_bytes)
