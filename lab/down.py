"""Take a lab away, with all that it left on this machine."""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from lab import host_engine, images, keys, outer_container
from lab.progress import Steps
from lab.server import DEFAULT_NAME, Server


def down(name: str = DEFAULT_NAME, steps: Steps | None = None) -> bool:
    """Take the lab of this name away; returns whether there was anything of it.

    With the last lab goes the machine's engine too, where a lab has started it.
    """
    steps = steps or Steps()
    server = Server(name)
    with host_engine.existing_engine() as client:
        there = server.state.exists() or (client is not None and name in outer_container.labs(client))
        if there:
            with steps.step(f"removing the lab {name}"):
                remove(client, server)
        with images.one_at_a_time("engine"):
            if client is not None and not outer_container.labs(client):
                host_engine.stop_engine(client)
    return there


def remove(client: Any | None, server: Server) -> None:
    """Remove what there is of this lab: container, volume, network, gpg's processes, the state folder."""
    if client is not None:
        outer_container.remove(client, server)
    keys.stop_gpg(server.state)
    shutil.rmtree(server.state, ignore_errors=True)
    with contextlib.suppress(OSError):  # not empty: another lab's state is beside it
        server.state.parent.rmdir()
