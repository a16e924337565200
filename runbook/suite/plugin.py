"""The pytest plugin: collects features, starts the checks of the selected scenarios together, keeps the record.

Its parts follow pytest's own order (`collection`, `runtest`, `sessionfinish`) and have one `Session` in common. What
they need of the packages above (the catalogue of checks, who writes reports) comes through `hooks`.

How a run ends is decided here and in `sessionfinish` alone, for `runbook` and for plain `pytest`: whatever escapes is
ours and is noted as such, the line is closed, the record is written before the screen says what came of it, and what
pytest itself ends with becomes one of our exit codes.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from runbook.model.exits import COMPLIANT, INTERNAL_ERROR, INTERRUPTED, WRONG_USE, worst
from runbook.process import signals, standard_streams
from runbook.suite import pytest_bdd_adapter
from runbook.suite.collection import Collection
from runbook.suite.hooks import Hooks
from runbook.suite.run import KINDS, internal_error
from runbook.suite.runtest import RunTest
from runbook.suite.session import RUNNING, Session
from runbook.suite.sessionfinish import SessionFinish

pytest_plugins = ["runbook.suite.fixtures"]

WITHOUT_A_RUN = {
    pytest.ExitCode.OK: COMPLIANT,
    pytest.ExitCode.TESTS_FAILED: INTERNAL_ERROR,
    pytest.ExitCode.INTERRUPTED: INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR: INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR: WRONG_USE,
    pytest.ExitCode.NO_TESTS_COLLECTED: WRONG_USE,
}
"""What pytest ends with where no server was asked anything; some of its numbers are those of other codes of ours."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("runbook", "the executable runbook")
    group.addoption("--target", metavar="NAME|FILE", help="the server: a file of targets/, or a path")
    group.addoption("--plan", action="store_true", help="print every question that could be asked, and ask none")
    group.addoption("--step", action="store_true", help="in a drill, ask before each sentence whether to go on")
    group.addoption("--backup", metavar="FILE", help="in the restore drill, this backup in place of the latest one")
    group.addoption("--reports", metavar="DIR", type=Path, help="where runs go (default: reports/)")
    group.addoption("--run-kind", choices=KINDS, help="what the run is (default: verify; gate with -m gate)")
    group.addoption("--gate-override", metavar="REASON", help="let a deploy through although something failed")
    group.addoption("--gate-by", metavar="NAME", help="who lets it through")


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """End with one of our codes where a server was to be looked at, whatever pytest itself would end with."""
    if config.option.target is None:
        return (yield)
    with standard_streams.lasting(), signals.signals_as_interrupts():
        try:
            status = yield
        except pytest.UsageError:
            raise
        except Exception as error:  # of another plugin's, when ours had come to its end
            print(internal_error(error), file=sys.stderr)
            running = config.stash.get(RUNNING, None)
            return worst(INTERNAL_ERROR, running.exit_code()) if running else INTERNAL_ERROR
    return WITHOUT_A_RUN[status] if isinstance(status, pytest.ExitCode) else status


def pytest_configure(config: pytest.Config) -> None:
    if config.option.run_kind is None:
        config.option.run_kind = "gate" if config.option.markexpr == "gate" else "verify"
    session = Session.begun(config)
    config.pluginmanager.register(Collection(session), "runbook-collection")
    config.pluginmanager.register(RunTest(session), "runbook-runtest")
    config.pluginmanager.register(SessionFinish(session), "runbook-sessionfinish")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".feature":
        return pytest_bdd_adapter.FeatureFile.from_parent(parent, path=file_path)
    return None
