"""What a scenario can come to, and the exceptions that carry it there.

::

    Exception
    ├── AssertionError
    │   └── Mismatch        the server is not as the runbook says      → failed
    ├── Undetermined        it could not be told                       → undetermined
    ├── NotApplicable       the sentence has no object on this server  → not applicable
    └── Attested            a person has done it and says so           → attested
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from runbook.model.rights import Right


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


class Mismatch(AssertionError):
    """The server is not as the runbook says: what was expected, what was seen, and where to go."""

    def __init__(self, *, expected: str, actual: str, section: str) -> None:
        super().__init__(f"expected: {expected}; seen: {actual}; go to: runbook section {section}")
        self.expected = expected
        self.actual = actual
        self.section = section


def require(holds: object, *, expected: str, actual: object, section: str) -> None:
    """Assert one fact of the runbook.

    Args:
        holds: Whether the server is as the sentence says.
        expected: What the runbook says, as a phrase with its unit.
        actual: What the server says; a string, or several things that are joined by commas.
        section: The runbook's section with the next thing to do.

    Raises:
        Mismatch: ``holds`` is false.
    """
    if not holds:
        raise Mismatch(expected=expected, actual=_phrase(actual), section=section)


def listing(values: Iterable[str | None]) -> str:
    """Several things in one phrase, sorted."""
    return _phrase(sorted(str(one) for one in values))


def _phrase(actual: object) -> str:
    if isinstance(actual, str):
        return actual or "nothing"
    if isinstance(actual, Iterable):
        return ", ".join(str(one) for one in actual) or "nothing"
    return str(actual)
