"""One fact of a server: the value, and what told it; and how a question is asked that may have no answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output, Question
from runbook.observation.snapshot import Snapshot, reading

WHO = Command("id -un; id -u; if [ -e /etc/psyfit-lab ]; then echo lab; else echo server; fi")
SUDO = Command("sudo -n true")

A = TypeVar("A")
Value = str | int | tuple[str, ...]

ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
"""An account's name: it stands in lines that are pasted as root."""


@dataclass(frozen=True)
class Fact:
    """One key of a target file.

    Attributes:
        value: What the server says; None where it could not be told.
        source: Where that comes from, or why it could not be told; nothing where whoever asks has given it.
        recipients: Of the key of the backups: the ids of those that the newest encrypted backup is for.
    """

    value: Value | None
    source: str
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Who:
    """As whom the server sees us, and whether it says of itself that it is a lab."""

    account: str
    root: bool
    lab: bool


def who_is_asking(snapshot: Snapshot, question: Command = WHO) -> Who:
    """As whom the server sees us.

    Raises:
        Undetermined: There is no line to it, or its answer cannot be read.
    """
    with reading("the account"):
        return read_who(snapshot.ask(question).required("the account").lines)


def read_who(lines: Sequence[str]) -> Who:
    """Read the answer to `WHO`; what an account's start-up files print stands before it.

    Raises:
        ValueError: It is another answer.
    """
    account, number, kind = lines[-3:]
    if ACCOUNT.fullmatch(account) is None or kind not in ("lab", "server"):
        raise ValueError("it names no account")
    return Who(account, int(number) == 0, kind == "lab")


@dataclass(frozen=True)
class Heard(Generic[A]):
    """An answer, or why there is none, and what a command that failed has said itself."""

    answer: A | None
    why: str
    said: str = ""


def ask(snapshot: Snapshot, question: Question[A]) -> Heard[A]:
    said = ""
    try:
        answer = snapshot.ask(question)
        if isinstance(answer, Output):
            said = answer.err
            answer.required("the answer")
    except Undetermined as error:
        return Heard(None, f"the account lacks the right {error.right.name}" if error.right else error.reason, said)
    return Heard(answer, "")


def lines_heard(heard: Heard[Output]) -> tuple[str, ...]:
    return heard.answer.lines if heard.answer else ()


def only(names: tuple[str, ...], what: str) -> Fact:
    """The only one; else why none can be chosen."""
    if len(names) == 1:
        return Fact(names[0], f"the only {what}")
    return Fact(None, f"there is more than one {what}: {', '.join(names)}" if names else f"there is no {what}")
