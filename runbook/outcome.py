"""What a scenario can come to, and the exceptions that carry it there.

::

    Exception
    ├── AssertionError
    │   └── Differs         the server is not as the runbook says      → failed
    ├── Undetermined        it could not be told                       → undetermined
    ├── NotApplicable       the sentence has no object on this server  → not applicable
    └── Attested            a person has done it and says so           → attested
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from runbook.rights import Right


class Outcome(StrEnum):
    """The outcome of one scenario. Only ``passed``, ``waived`` and ``attested`` are compliant.

    No scenario comes to ``waived`` yet; before a deploy what an override lets through counts as that.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_APPLICABLE = "not applicable"
    WAIVED = "waived"
    ATTESTED = "attested"


SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.UNDETERMINED: "?",
    Outcome.NOT_APPLICABLE: "–",
    Outcome.WAIVED: "w",
    Outcome.ATTESTED: "a",
}
"""One character for each outcome, on the screen and in the report alike."""


class ReasonCode(StrEnum):
    """Why something is undetermined, where a program goes by it. The sentence beside it is for people alone."""

    NO_CONNECTION = "no connection"
    OUT_OF_TIME = "out of time"
    RECOVERY_UNDER_WAY = "recovery in progress"


class Undetermined(Exception):
    """It could not be told: unreachable, not allowed, timed out, or an answer that cannot be read.

    Args:
        reason: One sentence for a tired reader.
        right: The right that is missing, where that is the reason.
        because: The id of the scenario whose failure makes this one unanswerable.
        code: The same reason for programs, where one goes by it.
    """

    def __init__(
        self,
        reason: str,
        *,
        right: Right | None = None,
        because: str | None = None,
        code: ReasonCode | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.right = right
        self.because = because
        self.code = code

    def __str__(self) -> str:
        if self.right is None:
            return self.reason
        return f"{self.reason} (missing right: {self.right.name}; {self.right.grant})"


class NotApplicable(Exception):
    """The sentence has no object on this server; the reason is shown, and it is never counted as passed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Attested(Exception):
    """A person has done what no program can: by whom, when, with what proof, and until when that counts."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Differs(AssertionError):
    """The server is not as the runbook says: what was expected, what was seen, and where to go."""

    def __init__(self, *, expected: str, seen: str, go_to: str) -> None:
        super().__init__(f"expected: {expected}; seen: {seen}; go to: runbook section {go_to}")
        self.expected = expected
        self.seen = seen
        self.go_to = go_to


def require(holds: object, *, expected: str, seen: object, go_to: str) -> None:
    """Assert one fact of the runbook.

    Args:
        holds: Whether the server is as the sentence says.
        expected: What the runbook says, as a phrase with its unit.
        seen: What the server says; a string, or several things that are joined by commas.
        go_to: The runbook's section with the next thing to do.

    Raises:
        Differs: ``holds`` is false.
    """
    if not holds:
        raise Differs(expected=expected, seen=_phrase(seen), go_to=go_to)


def _phrase(seen: object) -> str:
    if isinstance(seen, str):
        return seen or "nothing"
    if isinstance(seen, Iterable):
        return ", ".join(str(one) for one in seen) or "nothing"
    return str(seen)
