"""How large an image is."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.deploy.image_space import Room, room
from checks.docker.images import IMAGES, size_of_image
from checks.server.disk_space import PLACES
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.model.target import Target
from tests.unit.answering import looking
from tests.unit.test_containers import kept, server_with


def test_the_image_of_the_container_counts() -> None:
    containers = [{"Id": "c1", "Image": "i1"}, {"Id": "c2", "Image": "i2"}]
    images = [{"Id": "i1", "Size": 178}, {"Id": "i2", "Size": 5}]
    assert size_of_image("c1", containers, images) == 178


def test_an_image_that_is_gone_has_no_size() -> None:
    with pytest.raises(LookupError):
        size_of_image("c1", [{"Id": "c1", "Image": "i1"}], [])


@pytest.mark.parametrize("size", [0, -1])
def test_an_image_of_no_size_does_not_tell_that_there_is_room(size: int) -> None:
    with pytest.raises(ValueError, match="not the size of an image"):
        size_of_image("c1", [{"Id": "c1", "Image": "i1"}], [{"Id": "i1", "Size": size}])


def _room(*releases: dict[str, Any]) -> Room:
    """What is seen where these releases are there, and each has an image of 178 bytes."""
    target = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
    images = tuple({"Id": one["Image"], "Size": 178} for one in releases)
    df = "Filesystem 1B-blocks Used Available Use% Mounted on\n/dev/sda 100 40 60 40% /\n"
    inodes = "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/sda 10 4 6 40% /\n"
    places = Output(0, f"{target.paths.docker}\n{df}\n{inodes}", "")
    return looking(target, {**server_with(*releases), IMAGES: images, PLACES: places}).observe(room)


def test_the_image_of_a_release_tells_how_large_the_next_one_is() -> None:
    assert _room(kept("psyfit-web-1771900000", running=False)) == Room(image_bytes=178, free_bytes=60)
    with pytest.raises(Undetermined, match="no web release"):
        _room()


@given(st.lists(st.dictionaries(st.sampled_from(["Id", "Image", "Size"]), st.none() | st.text() | st.integers())))
def test_any_inspection_is_read_or_refused(foreign: list[dict[str, object]]) -> None:
    with contextlib.suppress(ValueError, LookupError, TypeError):
        size_of_image("c1", foreign, foreign)
