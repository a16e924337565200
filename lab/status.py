"""Which labs there are on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lab import edge as edges
from lab import faults, machine, outer
from lab.edge import Edge
from lab.server import Server


@dataclass(frozen=True)
class Status:
    """One lab.

    Attributes:
        running: Whether its server runs.
        edge: Who ends TLS on it; None where it does not run.
        address: The loopback address on which it is reached; None where only a part of it is left.
        age: Since its server was made.
        faults: What is broken on it on purpose.
    """

    name: str
    running: bool
    edge: Edge | None
    address: str | None
    age: timedelta
    faults: tuple[str, ...]


def status() -> list[Status]:
    """All labs on this machine, by name."""
    with machine.existing_engine() as client:
        return [] if client is None else [_of(client, Server(name)) for name in outer.labs(client)]


def _of(client: Any, server: Server) -> Status:
    from docker.errors import NotFound

    try:
        container = client.containers.get(server.container)
    except NotFound:
        return Status(server.name, running=False, edge=None, address=None, age=timedelta(0), faults=())
    running = container.status == "running"
    return Status(
        name=server.name,
        running=running,
        edge=edges.of(server) if running else None,
        address=outer.address_of(client, server),
        age=datetime.now(UTC) - datetime.fromisoformat(container.attrs["Created"][:19] + "+00:00"),
        faults=tuple(faults.on(server)) if running else (),
    )
