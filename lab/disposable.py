"""A lab for as long as something is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.down import down
from lab.edge import KAMAL_PROXY, Edge
from lab.progress import Steps
from lab.server import Server
from lab.up import ended_only_by_exceptions, let_nothing_interrupt, up


@contextmanager
def disposable(name: str, steps: Steps | None = None, edge: Edge = KAMAL_PROXY) -> Iterator[Server]:
    """Make a lab, hand it out, and take it away whatever happens meanwhile.

    Raises:
        Refused: There is a lab of this name, or the machine looks like the service's own. Nothing is taken away then.
        LabError: It could not be made.
    """
    with ended_only_by_exceptions():
        server = up(name, steps, edge=edge)
        try:
            yield server
        finally:
            let_nothing_interrupt()
            down(name, steps)
