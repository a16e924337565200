"""One lab for all tests here, and a second one for those of the other edge; each leaves them as it found them.

Processes that share the tests (``make test`` starts two) have labs of their own.
Before a test its labs are looked at, where the one before could have changed them (`tests.lab.health`). Where one
cannot be healed all labs are taken away, and the test gets a new one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab import edge as edges
from lab.disposable import disposable
from lab.edge import NGINX
from lab.server import Server
from tests.lab.health import LABS, Unhealthy, used_by
from tests.lab.looking import Verified, verify
from tests.lab.sharing import Quiet, Sharing, is_timed

FAILED = pytest.StashKey[bool]()
STANDING = os.environ.get("RUNBOOK_TEST_LAB")
"""The name of a lab that is up already, to be used in place of a new one."""

LAB = "-".join(["test", *filter(None, [os.environ.get("PYTEST_XDIST_WORKER")])])
"""The name of the lab that this process makes."""

TOLD = "labs that were not healthy"
QUIET = Quiet()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Let whoever is free take the next test."""
    return Sharing(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that are held to a time."""
    items.sort(key=lambda item: not is_timed(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let no test begin on a lab of which nobody knows that it is healthy."""
    wrong = LABS.beyond_mending(used_by(_fixtures_of(item)))
    if not wrong:
        return
    if STANDING:
        raise Unhealthy(f"{wrong}\nIt is a lab of your own (RUNBOOK_TEST_LAB), so no other is made in its place.")
    LABS.told.append(f"{wrong}\nA new one is made for {item.nodeid}.")
    item.session._setupstate.teardown_exact(None)  # whatever rests on the old labs goes with them


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    with QUIET.during(item, nextitem):
        result = yield
    only_looks = item.get_closest_marker("only_looks") is not None
    passed = not item.stash.get(FAILED, True)
    LABS.was_used(item.nodeid, used_by(_fixtures_of(item)), passed=passed, only_looks=only_looks)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what there is to say to the process that has a screen."""
    if output := getattr(session.config, "workeroutput", None):
        output[TOLD] = LABS.told


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    LABS.told += getattr(node, "workeroutput", {}).get(TOLD, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which labs were not as they should be between two tests."""
    if LABS.told:
        terminalreporter.section("labs that were not healthy between two tests")
        for one in LABS.told:
            terminalreporter.write_line(one)


def _fixtures_of(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(scope="session")
def lab() -> Iterator[Server]:
    """A lab that was healthy as the test began."""
    with ExitStack() as stack:
        server = Server(STANDING) if STANDING else stack.enter_context(disposable(LAB))
        yield stack.enter_context(LABS.stands("lab", server, _now()))


@pytest.fixture(scope="session")
def nginx_lab() -> Iterator[Server]:
    """The same with nginx as its edge; it is made when the first test asks for it."""
    with ExitStack() as stack:
        if STANDING and edges.of(Server(STANDING)) == NGINX:
            server = Server(STANDING)
        else:
            server = stack.enter_context(disposable(f"{LAB}-nginx", edge=NGINX))
        yield stack.enter_context(LABS.stands("nginx_lab", server, _now()))


def _now() -> str:
    """The test that is about to begin, by pytest's own word."""
    return os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]


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
def two_busy_loops() -> Iterator[None]:
    """Two processes on this machine that want all of a processor each."""
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait(10)


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
