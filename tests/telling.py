"""What a test run says at its end: its seed, the one command that repeats what failed, and what was not run.

A test that was collected has passed, failed, or was skipped for a reason that is known here; whatever else became of it
makes the run red, however the session came to its end.
"""

from __future__ import annotations

import os
import random
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

SEED = os.environ.setdefault("RUNBOOK_SEED", str(random.randrange(10**6)))
"""Draws samples and hypothesis's examples; it goes on to the processes that pytest starts to share the work."""

SKIPPED_FOR = frozenset(
    {
        "the operator's runbook is not beside the clone",  # it is the operator's file, and in no clone
        "there is no gpg here",  # `make unit` needs nothing but Python; a lab is not made without it
    }
)
"""The reasons for which a test may be left out; a run with any other is red."""

SHOWN = 20


@dataclass
class Told:
    """What became of each test of a session.

    Attributes:
        collected: The tests that were to run.
        outcomes: What became of those that have ended; a failure stands, whatever came after it.
        strangely_skipped: The tests that were skipped for a reason that is not known, and the reason.
    """

    collected: set[str] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    strangely_skipped: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        return [test for test, outcome in self.outcomes.items() if outcome == "failed"]

    @property
    def not_run(self) -> list[str]:
        return sorted(self.collected - self.outcomes.keys())

    @property
    def is_whole(self) -> bool:
        """Whether each test was run, or left out for a known reason."""
        return not self.not_run and not self.strangely_skipped

    def reported(self, report: pytest.TestReport) -> None:
        """Take note of one phase of a test."""
        test = report.nodeid
        if report.failed:
            self.outcomes[test] = "failed"
        elif report.skipped:
            reason = _reason(report)
            self.outcomes.setdefault(test, "skipped")
            if reason not in SKIPPED_FOR:
                self.strangely_skipped[test] = reason
        elif report.when == "call":
            self.outcomes.setdefault(test, "passed")

    def lines(self, options: Sequence[str] = ()) -> Iterable[str]:
        """What is to be said at the end."""
        yield f"RUNBOOK_SEED={SEED}"
        yield from _listed(f"{len(self.not_run)} tests were not run, so this run is red", self.not_run)
        strange = [f"{test}: {reason}" for test, reason in self.strangely_skipped.items()]
        yield from _listed(f"{len(strange)} tests were skipped for a reason that is not known", strange)
        if again := [*self.failed, *self.not_run]:
            if len(again) > SHOWN:  # by their files: a command is to be read, too
                again = sorted({test.partition("::")[0] for test in again})
            command = [".venv/bin/python", "-m", "pytest", *options, *again]
            yield f"to repeat what failed or was not run:\nRUNBOOK_SEED={SEED} {shlex.join(command)}"


class Telling:
    """The plugin for one session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told = Told()

    def pytest_report_header(self) -> str:
        return f"RUNBOOK_SEED={SEED}"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._config.option.collectonly:
            self._told.collected.update(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._told.collected.update(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._told.reported(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus == pytest.ExitCode.OK and not self._told.is_whole:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        profile = getattr(self._config.option, "hypothesis_profile", None)
        terminalreporter.section("this run")
        for line in self._told.lines([f"--hypothesis-profile={profile}"] if profile else []):
            terminalreporter.write_line(line)


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, without the word that pytest puts before it."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return f"expected to fail: {getattr(report, 'wasxfail', '')}"


def _listed(title: str, lines: Sequence[str]) -> Iterable[str]:
    if lines:
        more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        yield "\n  ".join([f"{title}:", *lines[:SHOWN], *more])
