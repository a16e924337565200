"""The pytest plugin: collects features, starts the checks of the selected scenarios together, keeps the record.

What it needs of the rooms above (the catalogue of checks, who writes reports) comes through its hooks.
"""

from __future__ import annotations

import re
import sys
import time
import traceback
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from runbook import bdd, screen
from runbook.catalogue import Catalogue
from runbook.exits import INTERRUPTED, OWN_FAULT, WRONG_USE, Event
from runbook.look import Look
from runbook.outcome import Differs, NotApplicable, Outcome, Undetermined
from runbook.plan import Planned, plan_of
from runbook.record import SEVERITIES, Difference, Run, Scenario, Severity, Step
from runbook.run import KINDS, Running, begin
from runbook.target import Target, TargetError, load

TAG = re.compile(r"rb-\d+(\.\d+)?|check|drill|gate|critical|major|minor|manual|as-written|needs-[a-z0-9-]+", re.ASCII)
RUNNING = pytest.StashKey[Running]()


class Hooks:
    """What the engine asks of the rooms above it."""

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_catalogue(self) -> Catalogue:
        """The checks that scenarios may rest on."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_planned(self, target: Target, planned: tuple[Planned, ...]) -> bool:
        """Show what a run could ask, in place of asking it; true where that is done."""
        raise NotImplementedError

    @pytest.hookspec
    def pytest_runbook_finished(self, run: Run, folder: Path) -> Path:
        """Write the reports of a run into its folder; return the one that a person reads."""
        raise NotImplementedError


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("runbook", "the executable runbook")
    group.addoption("--target", metavar="NAME|FILE", help="the server: a file of targets/, or a path")
    group.addoption("--plan", action="store_true", help="print every question that could be asked, and ask none")
    group.addoption("--reports", metavar="DIR", type=Path, help="where runs go (default: reports/)")
    group.addoption("--run-kind", choices=KINDS, default="verify", help="what the run is called in its record")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Runbook(config), "runbook")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".feature":
        return bdd.FeatureFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def look(request: pytest.FixtureRequest) -> Look:
    """The run's look at its target."""
    return request.config.stash[RUNNING].look


def scenario_id(name: str) -> str:
    """A scenario's id: its name in lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@dataclass
class _Progress:
    """The steps of a scenario as they run."""

    started: datetime
    clock: float
    steps: list[Step] = field(default_factory=list)
    step_clock: float = 0.0


class Runbook:
    """The plugin's state for one session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._catalogue: Catalogue = config.hook.pytest_runbook_catalogue() or Catalogue({}, {})
        self._progress: dict[str, _Progress] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._collected = 0
        self._screen = screen.Screen(config)

    # Collection

    def pytest_bdd_apply_tag(self, tag: str, function: Any) -> bool:
        if not TAG.fullmatch(tag):
            raise pytest.UsageError(f"tag @{tag} is unknown; expected one of the tags in CONTRIBUTING.md")
        for mark in _marks_of(tag):
            self._config.addinivalue_line("markers", f"{mark}: a tag of the features")
            getattr(pytest.mark, mark)(function)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._collected = sum(1 for item in items if bdd.scenario_of(item))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        scenarios = {item: scenario for item in session.items if (scenario := bdd.scenario_of(item))}
        if not scenarios or self._config.option.collectonly:
            return
        if self._config.option.target is None:
            self._stop("no target: say which server with --target NAME or --target FILE", WRONG_USE)
        try:
            target = load(self._config.option.target)
        except TargetError as error:
            self._stop(str(error), WRONG_USE)
        session.items[:] = _needed_first(session.items)
        if self._config.option.plan:
            planned = plan_of(target, self._catalogue, self._checks_by_item(session.items))
            self._config.hook.pytest_runbook_planned(target=target, planned=planned)
            return
        running = begin(
            target,
            self._config.option.run_kind,
            self._config.option.reports or self._config.rootpath / "reports",
            self._catalogue,
            self._collected,
            len(scenarios),
        )
        self._config.stash[RUNNING] = running
        self._screen.begin(running)
        wanted = self._checks_by_item(session.items)
        running.look.start(dict.fromkeys(check for checks in wanted.values() for check in checks))

    @pytest.hookimpl(trylast=True)
    def pytest_runbook_planned(self, planned: tuple[Planned, ...]) -> bool:
        self._screen.plan(planned)
        return True

    def _checks_by_item(self, items: list[pytest.Item]) -> dict[pytest.Item, tuple[Any, ...]]:
        return {
            item: tuple(
                dict.fromkeys(
                    self._catalogue.checks[name]
                    for function in bdd.step_functions(item)
                    for name in sorted(bdd.parameters_of(function) & self._catalogue.checks.keys())
                )
            )
            for item in items
            if bdd.scenario_of(item)
        }

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        return True if self._config.option.plan else None

    # A scenario as it runs

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        self._progress[request.node.nodeid] = _Progress(datetime.now(UTC), time.monotonic())
        for tag in sorted(bdd.tags_of(scenario)):
            needed = tag.removeprefix("needs-")
            outcome = self._outcomes.get(needed)
            if needed != tag and outcome in (Outcome.FAILED, Outcome.UNDETERMINED):
                raise Undetermined(f"it stands on “{needed}”, which {outcome}", because=needed)

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest) -> None:
        self._progress[request.node.nodeid].step_clock = time.monotonic()

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest, step: Any, step_func: Any) -> None:
        self._keep(request.node, step, step_func, None)

    def pytest_bdd_step_error(
        self, request: pytest.FixtureRequest, step: Any, step_func: Any, exception: BaseException
    ) -> None:
        self._keep(request.node, step, step_func, exception)

    def _keep(self, item: pytest.Item, step: Any, function: Any, error: BaseException | None) -> None:
        running, progress = self._config.stash[RUNNING], self._progress[item.nodeid]
        names = bdd.parameters_of(function) & self._catalogue.checks.keys()
        evidence = {one for name in names for one in running.look.evidence_of(self._catalogue.checks[name])}
        progress.steps.append(
            Step(
                keyword=step.keyword.strip(),
                text=step.name,
                outcome=_outcome_of(error),
                seconds=round(time.monotonic() - progress.step_clock, 4),
                difference=_difference(error, running),
                reason=running.redactor.redact(str(error)) if error and not isinstance(error, Differs) else None,
                evidence=tuple(sorted(evidence)),
            )
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        scenario = bdd.scenario_of(item)
        if scenario is None or RUNNING not in self._config.stash:
            return (yield)
        error = call.excinfo.value if call.excinfo else None
        caught = call.excinfo
        if isinstance(error, (Differs, Undetermined, NotApplicable)):
            call.excinfo = None  # we say it ourselves: pytest's rendering of a trace takes long, and nobody reads it
        report = yield
        call.excinfo = caught
        if call.when == "call" or error is not None:
            record = self._record(item, scenario, error)
            self._config.stash[RUNNING].scenarios.append(record)
            self._outcomes[record.id] = record.outcome
            _tell_pytest(report, record, item)
            self._screen.scenario(record)
        return report

    def _record(self, item: pytest.Item, scenario: Any, error: BaseException | None) -> Scenario:
        running = self._config.stash[RUNNING]
        progress = self._progress.get(item.nodeid) or _Progress(datetime.now(UTC), time.monotonic())
        tags = bdd.tags_of(scenario)
        outcome = _outcome_of(error)
        own_fault = not isinstance(error, (AssertionError, Undetermined, NotApplicable, type(None)))
        if own_fault and error is not None:
            _keep_trace(running, scenario_id(scenario.name), error)
        return Scenario(
            id=scenario_id(scenario.name),
            name=scenario.name,
            section=_section(tags),
            section_title=bdd.section_title(scenario),
            file=str(bdd.feature_path(scenario).relative_to(self._config.rootpath)),
            line=scenario.line_number,
            severity=_severity(tags),
            kind="drill" if "drill" in tags else "check",
            tags=tuple(sorted(tags)),
            outcome=outcome,
            reason=_reason(error, own_fault, running),
            missing_right=error.right.name if isinstance(error, Undetermined) and error.right else None,
            because=error.because if isinstance(error, Undetermined) else None,
            own_fault=own_fault,
            started=progress.started,
            seconds=round(time.monotonic() - progress.clock, 4),
            steps=(*progress.steps, *_not_reached(scenario, len(progress.steps))),
        )

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        outcome = getattr(report, "runbook_outcome", None)
        if outcome is None:
            return None
        return outcome, screen.SIGNS[outcome], outcome.upper()

    # The end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._config.option.plan and exitstatus == pytest.ExitCode.OK:
            return
        running = self._config.stash.get(RUNNING, None)
        if running is None:
            if self._collected and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = WRONG_USE
                print("no scenario was selected: nothing was asked", file=sys.stderr)
            return
        if exitstatus in (pytest.ExitCode.INTERRUPTED, INTERRUPTED):
            running.events.add(Event.INTERRUPTED)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            running.events.add(Event.OWN_FAULT)
        run = running.finish()
        written = self._config.hook.pytest_runbook_finished(run=run, folder=running.folder)
        session.exitstatus = run.exit_code
        self._screen.end(run, next(iter(written), running.folder))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and str(report.nodeid).endswith(".feature"):
            self._stop(f"{report.nodeid} cannot be read: {report.longreprtext}", OWN_FAULT)

    def _stop(self, sentence: str, code: int) -> NoReturn:
        """End the session; where pytest's own terminal output is off, nobody else says why."""
        if not self._config.pluginmanager.hasplugin("terminalreporter"):
            print(sentence, file=sys.stderr)
        pytest.exit(sentence, returncode=code)


def _marks_of(tag: str) -> tuple[str, ...]:
    """A section's tag also marks its chapter, so that ``-m rb-2`` selects 2.1, 2.2, ..."""
    chapter = tag.partition(".")[0]
    return (tag, chapter) if tag.startswith("rb-") and chapter != tag else (tag,)


def _needed_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """In the features' order, but each scenario after those that it stands on."""
    by_id = {scenario_id(scenario.name): item for item in items if (scenario := bdd.scenario_of(item))}
    ordered: dict[pytest.Item, None] = {}

    def place(item: pytest.Item, above: tuple[pytest.Item, ...]) -> None:
        scenario = bdd.scenario_of(item)
        for tag in sorted(bdd.tags_of(scenario)) if scenario else ():
            needed = by_id.get(tag.removeprefix("needs-")) if tag.startswith("needs-") else None
            if needed is not None and needed not in above:
                place(needed, (*above, needed))
        ordered.setdefault(item)

    for item in items:
        place(item, (item,))
    return list(ordered)


def _outcome_of(error: BaseException | None) -> Outcome:
    match error:
        case None:
            return Outcome.PASSED
        case AssertionError():
            return Outcome.FAILED
        case NotApplicable():
            return Outcome.NOT_APPLICABLE
        case _:
            return Outcome.UNDETERMINED


def _difference(error: BaseException | None, running: Running) -> Difference | None:
    if not isinstance(error, Differs):
        return None
    redact = running.redactor.redact
    return Difference(expected=redact(error.expected), seen=redact(error.seen), go_to=error.go_to)


def _reason(error: BaseException | None, own_fault: bool, running: Running) -> str | None:
    if error is None:
        return None
    said = running.redactor.redact(str(error) or type(error).__name__)
    return f"the suite's own fault: {type(error).__name__}: {said}" if own_fault else said


def _keep_trace(running: Running, scenario: str, error: BaseException) -> None:
    text = "".join(traceback.format_exception(error))
    (running.folder / f"own-fault-{scenario}.txt").write_text(running.redactor.redact(text))


def _not_reached(scenario: Any, reached: int) -> Iterator[Step]:
    for step in scenario.steps[reached:]:
        yield Step(keyword=step.keyword.strip(), text=step.name, outcome=None, seconds=0)


def _section(tags: frozenset[str]) -> str:
    return next((tag.removeprefix("rb-") for tag in sorted(tags) if tag.startswith("rb-")), "")


def _severity(tags: frozenset[str]) -> Severity:
    return next((severity for severity in SEVERITIES if severity in tags), "major")


def _tell_pytest(report: pytest.TestReport, record: Scenario, item: pytest.Item) -> None:
    """pytest knows passed, failed and skipped: what is neither of the first two goes as the third, under our name."""
    if record.outcome is Outcome.PASSED:
        return
    report.runbook_outcome = record.outcome.value  # type: ignore[attr-defined]
    if record.outcome is Outcome.FAILED:
        report.outcome = "failed"
        report.longrepr = screen.failure(record)
    else:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), record.line, record.reason or "")
