"""One lab for all tests here, and a second one for those of the other edge; each leaves them as it found them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import edge as edges
from lab.disposable import disposable
from lab.edge import NGINX
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
def nginx_lab() -> Iterator[Server]:
    """A healthy lab whose edge is nginx; it is made when the first test asks for it."""
    if STANDING and edges.of(Server(STANDING)) == NGINX:
        yield Server(STANDING)
        return
    with disposable("test-nginx", edge=NGINX) as server:
        yield server


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of these tests go."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def look(lab: Server, reports: Path) -> Callable[..., Verified]:
    """Verify the lab as root; options as on the command line, the environment by keyword."""
    return lambda *options, **environment: verify(lab.state / "target.toml", reports, *options, **environment)


@pytest.fixture(scope="session")
def look_at_nginx(nginx_lab: Server, reports: Path) -> Callable[..., Verified]:
    """The same for the lab whose edge is nginx."""
    return lambda *options, **environment: verify(nginx_lab.state / "target.toml", reports, *options, **environment)


@pytest.fixture
def as_account(lab: Server, tmp_path: Path) -> Callable[[str, str], Path]:
    """A target file for the lab under another account, with more lines in its table ``ssh``."""

    def write(account: str, lines: str = "") -> Path:
        return written(lab, tmp_path, account, lines)

    return write


def written(server: Server, folder: Path, account: str, lines: str = "") -> Path:
    """A target file for a lab under another account."""
    text = (server.state / "target.toml").read_text()
    path = folder / f"{account}.toml"
    path.write_text(text.replace('user = "root"\n', f'user = "{account}"\n{lines}\n'))
    return path
