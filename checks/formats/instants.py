"""The server's own times."""

from __future__ import annotations

from datetime import UTC, datetime


def instant_of(seconds: str) -> datetime:
    """The instant that a command told in seconds since 1970.

    Raises:
        ValueError: It told none.
    """
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{seconds} is not a time") from None
