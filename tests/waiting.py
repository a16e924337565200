"""A wait in a test says what it waits for, and what it saw last where that did not come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

AGAIN_SECONDS = 0.05

Seen = TypeVar("Seen")


def until(what: str, look: Callable[[], Seen], seconds: float) -> Seen:
    """Look again and again until there is something to see; returns it.

    Raises:
        AssertionError: There still was not after so many seconds; it says what was waited for and what was seen last.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {seconds:g} s in vain until {what}; seen last: {seen!r}")
        threading.Event().wait(AGAIN_SECONDS)
    return seen
