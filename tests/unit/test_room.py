"""How large an image is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.room import size_of_image


def test_the_image_of_the_container_counts() -> None:
    containers = [{"Id": "c1", "Image": "i1"}, {"Id": "c2", "Image": "i2"}]
    images = [{"Id": "i1", "Size": 178}, {"Id": "i2", "Size": 5}]
    assert size_of_image("c1", containers, images) == 178


def test_an_image_that_is_gone_has_no_size() -> None:
    with pytest.raises(LookupError):
        size_of_image("c1", [{"Id": "c1", "Image": "i1"}], [])


@given(st.lists(st.dictionaries(st.sampled_from(["Id", "Image", "Size"]), st.none() | st.text() | st.integers())))
def test_any_inspection_is_read_or_refused(foreign: list[dict[str, object]]) -> None:
    with contextlib.suppress(ValueError, LookupError, TypeError):
        size_of_image("c1", foreign, foreign)
