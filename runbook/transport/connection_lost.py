"""The line to a server is gone, or this machine cannot hold one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from runbook.model.outcome import ReasonCode, Undetermined
from runbook.model.port_state import PortState
from runbook.process.daemon_threads import NO_THREAD


class ConnectionLost(Undetermined):
    """The line to the server is gone: nothing more can be asked over it. ``port_state`` is what it met."""

    def __init__(self, reason: str, port_state: PortState = PortState.CUT) -> None:
        super().__init__(reason, code=ReasonCode.NO_CONNECTION)
        self.port_state = port_state


def start_thread(run: Callable[[], None]) -> None:
    """Run it in a thread that never keeps the process from ending.

    Raises:
        ConnectionLost: This machine starts none.
    """
    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError as error:
        raise ConnectionLost(f"no SSH connection to the server: {NO_THREAD} ({error})") from None
