"""What the weekly clean-up would free, and what it leaves to roll back to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.containers import CONTAINERS, Container, fleet
from checks.disk import PLACES, docker_disk, percent
from checks.logs import read_size
from checks.room import IMAGES
from runbook import rights
from runbook.look import Look, reading
from runbook.question import Command, Inspection, lines_of

DISK_USE = Command(
    r"docker system df -v --format '{{{{range .Images}}}}image\t{{{{.Containers}}}}\t{{{{.UniqueSize}}}}\n{{{{end}}}}"
    r"{{{{range .BuildCache}}}}cache\t{{{{.InUse}}}}\t{{{{.Size}}}}\n{{{{end}}}}'",
    needs=rights.DOCKER,
    lane="slow",
    seconds=60,
)
"""The engine adds up every layer for it: seconds, where there are many."""


@dataclass(frozen=True)
class Unused:
    """What no container uses, on the disk of the Docker Engine."""

    images_bytes: int
    build_cache_bytes: int
    disk_bytes: int

    @property
    def percent(self) -> float:
        """Of what that disk can hold."""
        return percent(self.images_bytes + self.build_cache_bytes, self.disk_bytes)


@dataclass(frozen=True)
class Survivor:
    """The stopped release that a clean-up keeps which keeps but one: the newest by name.

    Attributes:
        image_named: Its image is there and has a name; an image without one goes with the next clean-up.
    """

    release: Container
    image_named: bool


def unused(look: Look) -> Unused:
    """The images and the build cache that no container uses; an engine that gives no answer is not asked for long."""
    look.ask(CONTAINERS)
    told, _ = look.ask(DISK_USE, PLACES)
    used, disk = told.required("what the Docker Engine keeps"), look.see(docker_disk)
    with reading("what the Docker Engine keeps"):
        images, cache = read_unused(used.out)
        return Unused(images, cache, disk.size_bytes)


def survivor(look: Look) -> Survivor | None:
    """The release that is left after a clean-up; None where none is stopped."""
    found, (inspected, images) = look.see(fleet), look.ask(CONTAINERS, IMAGES)
    stopped = next((one for one in found.releases if not one.running), None)
    if stopped is None:
        return None
    with reading("the kept release's image"):
        image = {str(one["Id"]): str(one["Image"]) for one in inspected}[stopped.id]
        return Survivor(stopped, image in named_images(images))


def named_images(images: Iterable[Inspection]) -> frozenset[str]:
    """The ids of the images that have a name."""
    return frozenset(
        str(one["Id"]) for one in images if any(not str(tag).startswith("<none>") for tag in one["RepoTags"] or ())
    )


def read_unused(text: str) -> tuple[int, int]:
    """The bytes of images without a container, as if each were removed alone, and of build cache that is not in use.

    Raises:
        ValueError: A line is not of the form of `DISK_USE`, or there is no image: the service's containers have one.
    """
    images = cache = 0
    if not text.startswith("image\t"):
        raise ValueError("it lists no image")
    for line in lines_of(text):
        match line.split("\t"):
            case ["image", containers, size]:
                images += 0 if int(containers) else read_size(size)
            case ["cache", "true" | "false" as in_use, size]:
                cache += 0 if in_use == "true" else read_size(size)
            case _:
                raise ValueError("there is an unexpected line")
    return images, cache
