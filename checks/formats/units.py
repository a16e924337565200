"""Sizes and shares as programs write them."""

from __future__ import annotations

import re


def percent(part: int, whole: int) -> float:
    """``part`` in percent of ``whole``; 0 where there is no whole."""
    return 100 * part / whole if whole else 0.0


SIZE = re.compile(r"(\d+(?:\.\d+)?)\s?([kMGTP]?)i?B?", re.IGNORECASE | re.ASCII)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def read_size(text: str) -> int:
    """A size as Docker takes and tells it, in bytes: ``50m``, ``209.5kB``; its units are decimal.

    Raises:
        ValueError: It is no size.
    """
    found = SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a size")
    return round(float(found[1]) * 1000.0 ** POWERS[found[2].lower()])
