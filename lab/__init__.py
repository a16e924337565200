"""A disposable PsyFit server in one container, and the faults that can be put on it."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what it was asked.

    Args:
        sentence: What is wrong and what to do about it.
        tail: The last lines of what the failing command or build printed.
    """

    def __init__(self, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.tail = "\n".join(tail.strip().splitlines()[-25:])


class NotInstalled(LabError):
    """What only a lab needs is not installed here, and nothing was begun."""


class Refused(LabError):
    """The lab will not do what it was asked, and has changed nothing."""
