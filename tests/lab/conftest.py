"""One lab for all tests here; each leaves it as it found it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.disposable import disposable
from lab.server import Server
from tests.lab.looking import Verified, verify
from tests.lab.sampling import SEED

STANDING = os.environ.get("RUNBOOK_TEST_LAB")
"""The name of a lab that is up already, to be used in place of a new one."""


def pytest_report_header() -> str:
    """The seed, to draw the same sample again."""
    return f"RUNBOOK_SEED={SEED}"


@pytest.fixture(scope="session")
def lab() -> Iterator[Server]:
    """A healthy lab."""
    if STANDING:
        yield Server(STANDING)
        return
    with disposable("test") as server:
        yield server


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of these tests go."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def look(lab: Server, reports: Path) -> Callable[..., Verified]:
    """Verify the lab as root; options as on the command line, the environment by keyword."""
    return lambda *options, **environment: verify(lab.state / "target.toml", reports, *options, **environment)


@pytest.fixture
def as_account(lab: Server, tmp_path: Path) -> Callable[[str, str], Path]:
    """A target file for the lab under another account, with more lines in its table ``ssh``."""

    def write(account: str, lines: str = "") -> Path:
        text = (lab.state / "target.toml").read_text()
        path = tmp_path / f"{account}.toml"
        path.write_text(text.replace('user = "root"\n', f'user = "{account}"\n{lines}\n'))
        return path

    return write
