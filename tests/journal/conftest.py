"""A server for each test, on a small disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.drill import journal
from tests.journal.server import LIMITS, Server, small_disk


@pytest.fixture(scope="session")
def rooms() -> Iterator[tuple[Path, Path, bool]]:
    """The server's disk, the folder for what is on none, and whether the disk is a small one."""
    memory = Path("/dev/shm")  # noqa: S108 - only a place that is quick
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        room, aid = Path(folder, "disk"), Path(folder, "aid")
        aid.mkdir()
        with small_disk(room) as mounted:
            yield room, aid, mounted


@pytest.fixture(autouse=True)
def _waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LIMITS.items():
        monkeypatch.setitem(journal._LIMITS, name, value)


@pytest.fixture
def server(rooms: tuple[Path, Path, bool]) -> Iterator[Server]:
    server = Server(*rooms)
    try:
        yield server
    finally:
        server.close()
