"""Faults that can be put on the lab: one small module each.

A fault module has a docstring (what is wrong, in one line), ``section`` (of the runbook), ``fails`` and
``undetermined`` (the ids of exactly those scenarios that then have that outcome; all others pass), and the functions
``inject(server)`` and ``heal(server)``. Where the SSH connection itself is lost, ``passes`` names what still
passes, and all others are undetermined. ``edge`` is there where it can be put only on a lab that has this edge. These
names are the whole interface.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from lab import Refused
from lab import edge as edges
from lab.edge import Edge
from lab.server import Server

TABLE = "/run/runbook-faults.json"
"""On the lab itself: the faults that are on it now, oldest first."""


class UnknownFault(Exception):
    """There is no fault of this name."""


@dataclass(frozen=True)
class Fault:
    """What a fault is and what has to be seen of it. ``edge`` is None where it is the same on every edge."""

    id: str
    title: str
    section: str
    edge: Edge | None
    fails: frozenset[str]
    undetermined: frozenset[str]
    passes: frozenset[str] | None = None


@cache
def names() -> tuple[str, ...]:
    """The ids of all faults, in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def describe(fault: str) -> Fault:
    """What this fault is.

    Raises:
        UnknownFault: There is none of this name.
    """
    module = _module(fault)
    return Fault(
        id=fault,
        title=(module.__doc__ or "").strip().partition("\n")[0],
        section=module.section,
        edge=getattr(module, "edge", None),
        fails=frozenset(module.fails),
        undetermined=frozenset(module.undetermined),
        passes=frozenset(module.passes) if hasattr(module, "passes") else None,
    )


def inject(server: Server, fault: str) -> None:
    """Put the fault on the lab; it is noted before, so that `heal` finds it even when this is cut short.

    Raises:
        UnknownFault: There is none of this name.
        Refused: The lab's edge is another than the fault's.
    """
    module, wanted = _module(fault), describe(fault).edge
    if wanted is not None and edges.of(server) != wanted:
        raise Refused(f"{fault} needs a lab whose edge is {wanted}: `runbook lab up --name NAME --edge {wanted}`")
    _note(server, [*on(server), fault])
    module.inject(server)


def heal(server: Server, fault: str | None = None) -> list[str]:
    """Take this fault off the lab, or all that are on it, newest first; returns those taken off.

    Raises:
        UnknownFault: There is none of this name.
    """
    present = on(server)
    taken = [fault] if fault else list(reversed(present))
    for one in taken:
        _module(one).heal(server)
        present = [other for other in present if other != one]
        _note(server, present)
    return taken


def on(server: Server) -> list[str]:
    """The faults that are on the lab now, oldest first."""
    noted = server.run(f"cat {TABLE} 2>/dev/null || echo '[]'", seconds=10).out
    found: list[str] = json.loads(noted)
    return found


def _note(server: Server, faults: list[str]) -> None:
    server.run(f"cat > {TABLE}", stdin=json.dumps(faults).encode(), seconds=10).required()


def _module(fault: str) -> ModuleType:
    if fault not in names():
        raise UnknownFault(f"there is no fault {fault!r}; `runbook lab break --list` lists them")
    return importlib.import_module(f"{__name__}.{fault.replace('-', '_')}")
