"""How two processes share the lab tests: whoever is free takes the next one, on a lab of its own.

Tests that are held to a time (marked ``timed``) come first. Beside them only their like are under way, which mostly
wait; whoever has none left waits for the last of them.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WHOLE_FILES = {"test_nginx_edge.py", "test_open_journal.py", "test_secrets.py", "test_server.py"}
"""Files whose tests share what takes long to set up."""

NGINX = "nginx"


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
    """Hands out single tests in their order, those together that would set up the same thing twice."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0]).name
        if "nginx" in nodeid.partition("[")[0]:
            return NGINX
        return file if file in WHOLE_FILES else nodeid


def is_timed(item: pytest.Item | None) -> bool:
    """Whether a test is held to a time."""
    return item is not None and item.get_closest_marker("timed") is not None


class Quiet:
    """A lock that those who share the tests have in common: this file, of which every clone has its own."""

    def __init__(self) -> None:
        self._held: IO[bytes] | None = None

    @contextmanager
    def during(self, item: pytest.Item, after: pytest.Item | None) -> Iterator[None]:
        """Hold it from the first of this process's timed tests to the last; wait for it before any other."""
        if not is_timed(item):
            with Path(__file__).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
        elif self._held is None:
            self._held = Path(__file__).open("rb")  # noqa: SIM115 - held over several tests
            fcntl.flock(self._held, fcntl.LOCK_SH)
        try:
            yield
        finally:
            if self._held is not None and not is_timed(after):
                self._held.close()
                self._held = None
