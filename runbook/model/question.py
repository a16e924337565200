"""Questions: all that can ever be asked of a server, as frozen values.

A check module declares its questions at module level; those that are asked from outside are in `outside_questions`.
A `Command` is a template over the target's facts (`template_values`) and over what an earlier answer told
(`Command.with_values`); every value is quoted for the shell.
A question never holds a secret, and never changes anything: a test reads every declared one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.record import Vantage
from runbook.model.rights import Right
from runbook.model.template import Facts, render_shell

A = TypeVar("A")


Lane = Literal["quick", "docker", "slow"]
Inspection = dict[str, Any]
"""One object as `docker inspect` tells it, its environment as names with keyed fingerprints."""


@dataclass(frozen=True, kw_only=True)
class Question(Generic[A]):
    """One thing to be asked; ``A`` is the type of its answer.

    Attributes:
        needs: The right without which there is no answer.
        seconds: How long the whole answer may take, counted from when it is begun.
    """

    needs: Right = rights.LOGIN
    seconds: float = 5.0

    @property
    def vantage(self) -> Vantage:
        """From where it is asked."""
        return "inside"

    def render(self, facts: Facts) -> str:
        """The question as it is asked, for plan, evidence and report."""
        raise NotImplementedError

    def template(self) -> Question[A]:
        """The question as it was declared."""
        return self


def lines_of(text: str) -> list[str]:
    """The lines of what a server says. Only a line feed ends one: other signs that may are part of names and logs."""
    return text.removesuffix("\n").split("\n") if text else []


@dataclass(frozen=True)
class Output:
    """What a command answered. ``status`` is its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of standard output."""
        return tuple(lines_of(self.out))

    def required(self, what: str) -> Output:
        """This output, where the command ended well.

        Raises:
            Undetermined: The command failed, so ``what`` cannot be told.
        """
        if self.status != 0:
            said = lines_of(self.err.strip() or self.out.strip() or "nothing")[-1]
            raise Undetermined(f"{what} could not be read: the command ended with {self.status} and said: {said}")
        return self


@dataclass(frozen=True)
class Command(Question[Output]):
    """A read-only shell command on the server, run in the C locale by sh.

    Attributes:
        script: Template; ``{name}`` stands for a fact or a value of `with_values`, quoted for the shell.
        lane: Commands of one lane are answered in order; ``slow`` is for whole reads, at the lowest priority.
        keep_answer: Whether the evidence keeps the answer, or its length alone.
    """

    script: str
    lane: Lane = field(default="quick", kw_only=True)
    keep_answer: bool = field(default=True, kw_only=True)
    values: tuple[tuple[str, str | tuple[str, ...]], ...] = field(default=(), kw_only=True)

    def with_values(self, **values: str | Sequence[str]) -> Command:
        """The same command with values that an earlier answer told."""
        frozen = ((name, value if isinstance(value, str) else tuple(value)) for name, value in values.items())
        return replace(self, values=(*self.values, *frozen))

    def template(self) -> Command:
        return replace(self, values=())

    def render(self, facts: Facts) -> str:
        """The shell text. Values not known yet (in a plan) stand as ``<name>``."""
        return render_shell(self.script, {**facts, **dict(self.values)})


@dataclass(frozen=True, kw_only=True)
class ListContainers(Question[tuple[Inspection, ...]]):
    """Every container of the server's Docker Engine, running or not, inspected."""

    needs: Right = rights.DOCKER
    seconds: float = 10.0

    def render(self, facts: Facts) -> str:
        return "GET /containers/json?all=1, then GET /containers/<id>/json of each"


@dataclass(frozen=True, kw_only=True)
class ListImages(Question[tuple[Inspection, ...]]):
    """Every tagged image of the server's Docker Engine: Id, RepoTags and Size."""

    needs: Right = rights.DOCKER
    seconds: float = 10.0

    def render(self, facts: Facts) -> str:
        return "GET /images/json"
