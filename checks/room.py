"""Room for another release: how large an image is, and how much is free where the next one goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.containers import CONTAINERS, fleet
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, Images, Inspection, lines_of

IMAGES = Images()
ROOM = Command("df -P -B1 -- {docker_root}")


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
    told, inspected, images = look.ask(ROOM, CONTAINERS, IMAGES)
    releases = look.see(fleet)
    newest = next(iter((*releases.running_releases, *releases.releases)), None)
    if newest is None:
        raise Undetermined("there is no web release, so nothing tells how large the next one is")
    with reading("the image's size and the room for another"):
        return Room(size_of_image(newest.id, inspected, images), read_free(told.required("the room").out))


def size_of_image(container: str, containers: Iterable[Inspection], images: Iterable[Inspection]) -> int:
    """How many bytes the image of this container has.

    Raises:
        LookupError: There is no such container or image.
        TypeError, ValueError: Its size is no number.
    """
    image = {one["Id"]: one["Image"] for one in containers}[container]
    return int({one["Id"]: one["Size"] for one in images}[image])


def read_free(text: str) -> int:
    """The free bytes of the one file system that ``df -P -B1`` tells of.

    Raises:
        ValueError: This is not what df says.
    """
    (row,) = lines_of(text)[1:]
    _, _, _, free, _, _ = row.split(maxsplit=5)
    return int(free)
