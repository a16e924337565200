"""What the weekly clean-up would free, and what it leaves to roll back to."""

from __future__ import annotations

from dataclasses import dataclass

from checks.docker.containers import CONTAINERS, Container, fleet
from checks.docker.images import IMAGES, named_images
from checks.formats.units import percent, read_size
from checks.server.disk_space import PLACES, docker_disk
from runbook.model import rights
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

DISK_USE = Command(
    r"docker system df -v --format '{{{{range .Images}}}}image\t{{{{.Containers}}}}\t{{{{.UniqueSize}}}}\n{{{{end}}}}"
    r"{{{{range .BuildCache}}}}cache\t{{{{.InUse}}}}\t{{{{.Size}}}}\n{{{{end}}}}'",
    needs=rights.DOCKER,
    lane="slow",
    seconds=60,
)
"""The engine adds up every layer for it: seconds, where there are many."""


@dataclass(frozen=True)
class Reclaimable:
    """What no container uses, on the disk of the Docker Engine."""

    images_bytes: int
    build_cache_bytes: int
    disk_bytes: int

    @property
    def percent(self) -> float:
        """Of what that disk can hold."""
        return percent(self.images_bytes + self.build_cache_bytes, self.disk_bytes)


@dataclass(frozen=True)
class RetainedRelease:
    """The stopped release that a clean-up keeps which keeps but one: the newest by name.

    Attributes:
        image_named: Its image is there and has a name; an image without one goes with the next clean-up.
    """

    release: Container
    image_named: bool


def reclaimable(snapshot: Snapshot) -> Reclaimable:
    """The images and the build cache that no container uses; an engine that gives no answer is not asked for long."""
    snapshot.ask(CONTAINERS)
    told, _ = snapshot.ask(DISK_USE, PLACES)
    used, disk = told.required("what the Docker Engine keeps"), snapshot.observe(docker_disk)
    with reading("what the Docker Engine keeps"):
        images, cache = read_reclaimable(used.out)
        return Reclaimable(images, cache, disk.size_bytes)


def retained_release(snapshot: Snapshot) -> RetainedRelease | None:
    """The release that is left after a clean-up; None where none is stopped."""
    found, (inspected, images) = snapshot.observe(fleet), snapshot.ask(CONTAINERS, IMAGES)
    stopped = next((one for one in found.releases if not one.running), None)
    if stopped is None:
        return None
    with reading("the kept release's image"):
        image = {str(one["Id"]): str(one["Image"]) for one in inspected}[stopped.id]
        return RetainedRelease(stopped, image in named_images(images))


def read_reclaimable(text: str) -> tuple[int, int]:
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
