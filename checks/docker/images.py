"""The images that the Docker Engine keeps: how large one is, and which have a name."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.model.question import Inspection, ListImages

IMAGES = ListImages()


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


def named_images(images: Iterable[Inspection]) -> frozenset[str]:
    """The ids of the images that have a name."""
    return frozenset(
        str(one["Id"]) for one in images if any(not str(tag).startswith("<none>") for tag in one["RepoTags"] or ())
    )
