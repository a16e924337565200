"""What a server is to be like after each thing that is sent to it: the table of states as plain code, no shell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from runbook.drill.journal import STALE_SECONDS

Key = tuple[str, int]
"""An entry: its generation and its number."""

Engine = Literal["up", "down", "hangs", "stumbles"]
"""What the Docker Engine does; one that stumbles does not answer the next call, and then is up."""


@dataclass(frozen=True)
class Change:
    """What an act was to do, and its undo is to undo."""

    thing: str
    before: str
    after: str


@dataclass(frozen=True)
class Locks:
    """What somebody who stands still, or a heart, keeps from the others."""

    mutex: bool = False
    acting: bool = False
    acting_at_all: bool = False
    heart: bool = False


@dataclass(frozen=True)
class Seen:
    """What can be seen on a server.

    Attributes:
        holder: The generation that holds it; empty where none does.
        closing: Whether that one undoes.
        beat: Of which generation, on which boot and when the heart has last beaten.
        things: The world that drills change.
    """

    holder: str
    closing: bool
    beat: tuple[str, ...]
    open: frozenset[Key]
    undone: frozenset[Key]
    interfered: frozenset[Key]
    things: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What a script is to say: ``refused``, ``done`` or, for a recovery, what comes of each entry."""

    word: str
    entries: tuple[tuple[str, str], ...] = ()
    ended_before: bool = False


REFUSED = Answer("refused")
DONE = Answer("done")


@dataclass
class Model:
    """A server.

    Attributes:
        changes: What each entry ever registered is about.
        base: What each thing is but for what drills do: what nobody or somebody else has set it to.
    """

    things: dict[str, str]
    holder: str = ""
    closing: bool = False
    beat: tuple[str, ...] = ()
    boot: str = "boot-1"
    uptime: int = 1000
    engine: Engine = "up"
    open: set[Key] = field(default_factory=set)
    undone: set[Key] = field(default_factory=set)
    interfered: set[Key] = field(default_factory=set)
    changes: dict[Key, Change] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = dict(self.things)

    def seen(self) -> Seen:
        return Seen(
            self.holder,
            self.closing,
            self.beat,
            frozenset(self.open),
            frozenset(self.undone),
            frozenset(self.interfered),
            dict(self.things),
        )

    def take(self, seen: Seen) -> None:
        """Go on from what was seen, after something whose end no table tells."""
        self.holder, self.closing, self.beat = seen.holder, seen.closing, seen.beat
        self.open, self.undone, self.interfered = set(seen.open), set(seen.undone), set(seen.interfered)
        self.things = dict(seen.things)

    def alive(self, generation: str) -> bool:
        """Whether this generation holds the server and its heart beats."""
        if not generation or self.holder != generation or self.beat[:2] != (generation, self.boot):
            return False
        return 0 <= self.uptime - int(self.beat[2]) < STALE_SECONDS

    def hold(self, generation: str, locks: Locks) -> Answer:
        if locks.mutex or self.alive(self.holder) or locks.heart or self.open:
            return REFUSED
        self.holder, self.closing = "", False  # whoever has deserted it is told so first
        if locks.acting_at_all:
            return REFUSED
        self.holder = generation
        self._beats(generation)
        return DONE

    def heart(self, generation: str, locks: Locks) -> Answer:
        return REFUSED if locks.heart else self.letter(generation)

    def letter(self, generation: str) -> Answer:
        if self.holder != generation:
            return REFUSED
        self._beats(generation)
        return DONE

    def missed(self, generation: str) -> Answer:
        if self.holder != generation:
            return REFUSED
        self.beat = (generation, "-", "0")
        return DONE

    def act(self, key: Key, locks: Locks) -> Answer:
        if locks.acting or (self.holder, self.closing) != (key[0], False):
            return REFUSED
        self.open.add(key)
        change = self.changes[key]
        if self._engine() == "up" and self.things[change.thing] == change.before:
            self.things[change.thing] = change.after
            return DONE
        return Answer("failed")

    def recover(self, own: str, locks: Locks) -> Answer:
        if locks.mutex or (own and self.holder not in ("", own)) or (not own and self.alive(self.holder)):
            return REFUSED
        ended_before = bool(own) and not self.holder
        if not own:
            self.holder = ""
        self.closing = bool(self.holder)
        if locks.acting_at_all:
            return REFUSED
        told: list[tuple[str, str]] = []
        for key in sorted((key for key in self.open if own in ("", key[0])), reverse=True):
            word = self._undo(self.changes[key])
            if word == "interfered" and any(one == "failed" for one, _ in told):
                word = "failed"  # what it found may be a newer change of this very drill
            if word != "failed":
                self.open.remove(key)
                (self.undone if word == "undone" else self.interfered).add(key)
            told.append((word, f"{key[1]:04d}.sh"))
        return Answer("recovered", tuple(told), ended_before)

    def release(self, generation: str, locks: Locks) -> Answer:
        if locks.mutex:
            return REFUSED
        if self.holder == generation:
            self.holder, self.closing = "", False
        return DONE

    def _undo(self, change: Change) -> str:
        if self._engine() != "up":
            return "failed"
        is_now = self.things[change.thing]
        if is_now not in (change.before, change.after):
            return "interfered"
        self.things[change.thing] = change.before
        return "undone"

    def _engine(self) -> Engine:
        now = self.engine
        if now == "stumbles":
            self.engine = "up"
        return now

    def _beats(self, generation: str) -> None:
        self.beat = (generation, self.boot, str(self.uptime))
