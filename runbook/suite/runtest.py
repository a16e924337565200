"""A scenario as it runs: what it depends on, its sentences, its undo, its record."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

from runbook.drill.interlock import Refused
from runbook.drill.session import Stopped
from runbook.model.exits import Event
from runbook.model.outcome import SIGNS, Attested, Mismatch, NotApplicable, Outcome, Undetermined
from runbook.model.record import Scenario
from runbook.process import signals
from runbook.suite import pytest_bdd_adapter, terminal
from runbook.suite.dependencies import dependency_of
from runbook.suite.features import scenario_id
from runbook.suite.recording import Progress, scenario_record, step_record
from runbook.suite.session import DRILLING, RUNNING, Session


class RunTest:
    """The scenarios of a session, one after another."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._config = session.config
        self._progress: dict[str, Progress] = {}
        self._outcomes: dict[str, Outcome] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        if self._config.option.plan:
            session.items.clear()
        try:
            self._tell_of_journal()
            try:
                return (yield)
            finally:  # an interrupt between a scenario's end and its undo, or within an undo that none had begun
                if DRILLING in self._config.stash:
                    self._config.stash[DRILLING].end()
                    signals.end_if_a_signal_was_lost()
        finally:
            if RUNNING in self._config.stash:  # what is left is to hang up and to write it down: nothing may end that
                self._session.ending.enter_context(signals.held())

    def _tell_of_journal(self) -> None:
        running, untold = self._config.stash.get(RUNNING, None), None
        if running is None:
            return
        try:
            running.read_journal(self._config.option.target)
        except Undetermined as error:
            untold = error
        self._session.screen.journal(running.journal, untold)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> None:
        if RUNNING in self._config.stash:
            signals.end_if_a_signal_was_lost()

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        self._progress[request.node.nodeid] = Progress()
        for tag in sorted(pytest_bdd_adapter.tags_of(scenario)):
            needed, decisive = dependency_of(tag)
            outcome = self._outcomes.get(needed)
            if outcome in decisive:
                became = "failed" if outcome is Outcome.FAILED else f"is {outcome}"
                raise Undetermined(f"depends on “{needed}”, which {became}", because=needed)

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Any) -> None:
        progress = self._progress[request.node.nodeid]
        if pytest_bdd_adapter.is_drill(request.node):
            self._session.screen.drilling(f"{step.keyword.strip()} {step.name}", time.monotonic() - progress.clock)
            if self._config.option.step and not self._session.screen.goes_on():
                raise Stopped(f"the operator stopped it before: {step.name}")
        progress.step_clock = time.monotonic()
        progress.step_exchanges = self._config.stash[RUNNING].evidence.count

    def pytest_bdd_after_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        interrupt = sys.exc_info()[1]
        drilling = self._config.stash[DRILLING]
        progress = self._progress[request.node.nodeid]
        progress.executor = drilling.current
        whole = len(progress.steps) == len(scenario.steps) and {one.outcome for one in progress.steps} == {
            Outcome.PASSED
        }
        try:
            drilling.end(scenario_id(scenario.name) if whole else None)
        except KeyboardInterrupt as left:
            self._interrupted(request.node, scenario, left)
            raise
        except Mismatch as wrong:
            if not isinstance(interrupt, KeyboardInterrupt):
                raise
            self._interrupted(request.node, scenario, wrong)
            raise signals.Ended(str(interrupt)) from None
        if isinstance(interrupt, KeyboardInterrupt):
            self._interrupted(request.node, scenario, interrupt)

    def _interrupted(self, item: pytest.Item, scenario: Any, error: BaseException) -> None:
        """Record a scenario that an interrupt has ended, and what came of its undo: pytest makes no report of it."""
        record = self._record(item, scenario, error)
        ran = "interrupted" if record.how_it_ran else None
        self._config.stash[RUNNING].scenarios.append(record.model_copy(update={"how_it_ran": ran}))

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest, step: Any, step_func: Any) -> None:
        self._keep(request.node, step, step_func, None)

    def pytest_bdd_step_error(
        self, request: pytest.FixtureRequest, step: Any, step_func: Any, exception: BaseException
    ) -> None:
        self._keep(request.node, step, step_func, exception)

    def _keep(self, item: pytest.Item, step: Any, function: Any, error: BaseException | None) -> None:
        running, progress = self._config.stash[RUNNING], self._progress[item.nodeid]
        checks = self._session.catalogue.checks_of(function)
        evidence = {one for check in checks for one in running.snapshot.evidence_of(check)}
        if pytest_bdd_adapter.is_drill(item):
            evidence.update(range(progress.step_exchanges + 1, running.evidence.count + 1))
        progress.steps.append(step_record(step, progress, error, evidence, running.redactor))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        scenario = pytest_bdd_adapter.scenario_of(item)
        if scenario is None or RUNNING not in self._config.stash:
            return (yield)
        error = call.excinfo.value if call.excinfo else None
        caught = call.excinfo
        if isinstance(error, (Attested, Mismatch, Undetermined, NotApplicable, Refused)):
            call.excinfo = None  # we say it ourselves: pytest's rendering of a trace takes long, and nobody reads it
        report = yield
        call.excinfo = caught
        if call.when == "call" or error is not None:
            record = self._record(item, scenario, error)
            self._config.stash[RUNNING].scenarios.append(record)
            self._outcomes[record.id] = record.outcome
            _tell_pytest(report, record, item)
            self._session.screen.scenario(record)
        return report

    def _record(self, item: pytest.Item, scenario: Any, error: BaseException | None) -> Scenario:
        running = self._config.stash[RUNNING]
        progress = self._progress.get(item.nodeid) or Progress()
        if isinstance(error, Refused):
            running.events.add(Event.REFUSED)
        record = scenario_record(scenario, progress, error, running.redactor, self._config.rootpath)
        if record.own_fault and error is not None:
            running.keep_trace(f"own-fault-{record.id}.txt", error)
        return record

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        outcome = getattr(report, "runbook_outcome", None)
        if outcome is None:
            return None
        return outcome, SIGNS[outcome], outcome.upper()


def _tell_pytest(report: pytest.TestReport, record: Scenario, item: pytest.Item) -> None:
    """pytest knows passed, failed and skipped: what is neither of the first two goes as the third, under our name."""
    if record.outcome is Outcome.PASSED:
        return
    report.runbook_outcome = record.outcome.value  # type: ignore[attr-defined]
    if record.outcome is Outcome.FAILED:
        report.outcome = "failed"
        report.longrepr = terminal.failure(record)
    else:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), record.line, record.reason or "")
