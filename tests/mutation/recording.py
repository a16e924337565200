"""Every fault put on a lab once, and its answers kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from lab import faults
from lab.disposable import disposable
from lab.edge import EDGES, KAMAL_PROXY, Edge
from lab.server import Server
from runbook.model.outcome import Outcome
from tests.mutation import replay
from tests.mutation.replay import HEALTHY, Recording

STANDING = os.environ.get("RUNBOOK_TEST_LAB")
"""The name of a lab that is up already, whose edge is kamal-proxy."""


def missing() -> dict[Edge, list[str]]:
    """The faults, by the edge that they are put on, whose answers are not kept yet; a healthy lab's among them."""
    there = {path.stem for path in replay.folder().glob("*.pickle")}
    wanted: dict[Edge, list[str]] = {edge: [f"{HEALTHY}-{edge}"] for edge in EDGES}
    ids = {one.id for one in replay.looked_at()}
    for name in faults.names():
        described = faults.describe(name)
        if described.passes is None and (described.fails | described.undetermined) & ids:
            wanted[described.edge or KAMAL_PROXY].append(name)
    return {edge: left for edge, names in wanted.items() if (left := [one for one in names if one not in there])}


def record_all(told: Callable[[str], None]) -> None:
    """Keep the answers of what is missing; a fault that does not show as it says is told and left out."""
    for edge, names in missing().items():
        with _lab(edge) as server:
            _record(server, names, told)


def _lab(edge: Edge) -> AbstractContextManager[Server]:
    if STANDING and edge == KAMAL_PROXY:
        return nullcontext(Server(STANDING))
    return disposable(f"mutate-{edge}", edge=edge)


def _record(server: Server, names: Iterable[str], told: Callable[[str], None]) -> None:
    for name in names:
        recording = _one(server, name)
        failed = {one for one, came_to in replay.outcomes(recording).items() if came_to is Outcome.FAILED}
        if failed == recording.fails & {one.id for one in replay.looked_at()}:
            replay.keep(recording)
        else:
            told(f"{name} is left out: other scenarios failed than it names: {sorted(failed ^ recording.fails)}")


def _one(server: Server, name: str) -> Recording:
    if name.startswith(HEALTHY):
        return replay.record(server, name)
    try:
        faults.inject(server, name)
        return replay.record(server, name)
    finally:
        faults.heal(server, name)
