"""Room for another release: how large an image is, and how much is free where the next one goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.containers import CONTAINERS, fleet
from checks.disk import PLACES, docker_disk
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Images, Inspection

IMAGES = Images()


@dataclass(frozen=True)
class Room:
    """What a release takes and what there is.

    Attributes:
        image_bytes: The running release's image with all its layers, as if the next one shared none of them.
        free_bytes: What is free on the disk of the Docker Engine.
    """

    image_bytes: int
    free_bytes: int


def room(look: Look) -> Room:
    """The size of the running release's image (where none runs, of the newest), and the room for another."""
    inspected, images, _ = look.ask(CONTAINERS, IMAGES, PLACES)
    releases, disk = look.see(fleet), look.see(docker_disk)
    newest = next(iter((*releases.running_releases, *releases.releases)), None)
    if newest is None:
        raise Undetermined("there is no web release, so nothing shows how large the next one is")
    with reading("the image's size"):
        return Room(size_of_image(newest.id, inspected, images), disk.free_bytes)


def size_of_image(container: str, containers: Iterable[Inspection], images: Iterable[Inspection]) -> int:
    """How many bytes the image of this container has.

    Raises:
        LookupError: There is no such container or image.
        TypeError, ValueError: Its size is no number, or nothing.
    """
    image = {one["Id"]: one["Image"] for one in containers}[container]
    size = int({one["Id"]: one["Size"] for one in images}[image])
    if size <= 0:
        raise ValueError(f"{size} bytes are not the size of an image")
    return size
