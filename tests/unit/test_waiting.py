"""A wait in vain says what it was for."""

from __future__ import annotations

import pytest

from tests.waiting import until


def test_what_is_there_is_returned() -> None:
    answers = iter([[], [], ["ready"]])
    assert until("it is ready", lambda: next(answers), 5) == ["ready"]


def test_a_wait_in_vain_says_for_what_and_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"waited 0 s in vain until the door is open; seen last: \[\]"):
        until("the door is open", list, 0)
