"""The pytest plugin: collects features, starts the checks of the selected scenarios together, keeps the record.

What it needs of the rooms above (the catalogue of checks, who writes reports) comes through its hooks.

How a run ends is decided here alone, for `runbook` and for plain `pytest`: whatever escapes is ours and is noted as
such, the line is closed, the record is written before the screen says what came of it, and what pytest itself ends
with becomes one of our exit codes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from runbook import attestation as attesting
from runbook import bdd, endings, features, renamed, screen, streams
from runbook.attestation import Attestation
from runbook.catalogue import Catalogue
from runbook.drilling import Drilling, Stopped
from runbook.exits import COMPLIANT, INTERRUPTED, OWN_FAULT, WRONG_USE, Event, WrongUse, worst
from runbook.features import DEPENDS_ON, EXPLAINED_BY, TAG, depended_on, scenario_id
from runbook.interlock import Refused, SteadyState
from runbook.look import Look
from runbook.operator import Operator
from runbook.outcome import SIGNS, Attested, Differs, NotApplicable, Outcome, Undetermined
from runbook.plan import Planned, drills_of, plan_of
from runbook.record import Changes, Control, Override, Run, Scenario
from runbook.recording import Progress, scenario_record, step_record
from runbook.run import KINDS, Kind, Running, asked_journal, begin, own_fault
from runbook.target import Target, load

ATTESTED = pytest.StashKey[Mapping[str, Attestation]]()
RUNNING = pytest.StashKey[Running]()
DRILLING = pytest.StashKey[Drilling]()
ONLY_LOOKING = ("verify", "triage", "gate")

WITHOUT_A_RUN = {
    pytest.ExitCode.OK: COMPLIANT,
    pytest.ExitCode.TESTS_FAILED: OWN_FAULT,
    pytest.ExitCode.INTERRUPTED: INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR: OWN_FAULT,
    pytest.ExitCode.USAGE_ERROR: WRONG_USE,
    pytest.ExitCode.NO_TESTS_COLLECTED: WRONG_USE,
}
"""What pytest ends with where no server was asked anything; some of its numbers are those of other codes of ours."""


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

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_steady_state(self, look: Look) -> SteadyState:
        """What must hold before a drill, and be the same after it."""
        raise NotImplementedError

    @pytest.hookspec
    def pytest_runbook_begun(self, running: Running) -> None:
        """Take note that a run begins: what is asked now is asked together with the checks."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_ending(self, running: Running) -> bool:
        """Show what came of a run in another way than ours, while its line still stands; true where that is done."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_controls(self) -> tuple[Control, ...]:
        """The controls that the runbook's sections support evidence for."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_changes(self, run: Run, reports: Path) -> Changes:
        """What is different from the run before; the folders of earlier runs are in ``reports``."""
        raise NotImplementedError

    @pytest.hookspec
    def pytest_runbook_finished(self, run: Run, folder: Path) -> Path:
        """Write the reports of a run into its folder; return the one that a person reads."""
        raise NotImplementedError

    @pytest.hookspec
    def pytest_runbook_not_finished(self, run: Run, folder: Path) -> None:
        """Write the record alone, if that can be, of a run of which not all could be written; it tells why."""
        raise NotImplementedError


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
    with streams.lasting(), endings.ended_by_exceptions():
        try:
            status = yield
        except pytest.UsageError:
            raise
        except Exception as error:  # of another plugin's, when ours had come to its end
            print(own_fault(error), file=sys.stderr)
            running = config.stash.get(RUNNING, None)
            return worst(OWN_FAULT, running.exit_code()) if running else OWN_FAULT
    return WITHOUT_A_RUN[status] if isinstance(status, pytest.ExitCode) else status


def pytest_configure(config: pytest.Config) -> None:
    if config.option.run_kind is None:
        config.option.run_kind = "gate" if config.option.markexpr == "gate" else "verify"
    config.pluginmanager.register(Runbook(config), "runbook")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".feature":
        return bdd.FeatureFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def look(request: pytest.FixtureRequest) -> Look:
    """The run's look at its target."""
    return request.config.stash[RUNNING].look


@pytest.fixture
def operator(request: pytest.FixtureRequest) -> Operator:
    """The operator of this drill; who asks first engages the interlock."""
    return request.config.stash[DRILLING].operator(_drill_of(request.node))


@pytest.fixture(scope="session")
def named_backup(request: pytest.FixtureRequest) -> str | None:
    """The backup that the restore drill was asked to take."""
    name: str | None = request.config.option.backup
    return name


@pytest.fixture(scope="session")
def run_kind(request: pytest.FixtureRequest) -> Kind:
    """What the run is: what is only there for a moment is a fault before a deploy, and in no other run."""
    return request.config.stash[RUNNING].kind


@pytest.fixture
def attestation(request: pytest.FixtureRequest) -> Attestation | None:
    """What a person has attested of this scenario."""
    scenario = bdd.scenario_of(request.node)
    return request.config.stash[ATTESTED].get(scenario_id(scenario.name)) if scenario else None


class Runbook:
    """The plugin's state for one session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._catalogue: Catalogue = config.hook.pytest_runbook_catalogue() or Catalogue({}, {})
        self._progress: dict[str, Progress] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._there_are_scenarios = False
        self._collected = 0
        self._screen = screen.Screen(config)
        self._errors = os.dup(2)  # past whatever pytest captures while a scenario runs
        config.add_cleanup(lambda: os.close(self._errors))
        self._ending = ExitStack()
        config.add_cleanup(self._ending.close)

    # Collection

    def pytest_bdd_apply_tag(self, tag: str, function: Any) -> bool:
        if not TAG.fullmatch(tag):
            today = "".join(f"; @{old} is called @{new} now" for old, new in renamed.old_tags([tag]))
            raise pytest.UsageError(f"tag @{tag} is unknown; expected one of the tags in CONTRIBUTING.md{today}")
        for mark in _marks_of(tag):
            self._config.addinivalue_line("markers", f"{mark}: a tag of the features")
            getattr(pytest.mark, mark)(function)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._there_are_scenarios = any(map(bdd.scenario_of, items))
        if self._there_are_scenarios:
            self._select_by_id(items)
        if self._config.option.run_kind in ONLY_LOOKING:
            self._leave_out_drills(items)
        self._collected = sum(1 for item in items if bdd.scenario_of(item))

    def _select_by_id(self, items: list[pytest.Item]) -> None:
        """Let ``-k`` and ``-m`` know each scenario by its id, by one of an earlier version too."""
        for item in items:
            if scenario := bdd.scenario_of(item):
                own = scenario_id(scenario.name)
                self._config.addinivalue_line("markers", f"{own}: a scenario's id")
                item.add_marker(own)
        option = self._config.option
        option.keyword, option.markexpr = map(renamed.in_expression, (option.keyword, option.markexpr))

    def _leave_out_drills(self, items: list[pytest.Item]) -> None:
        """A run that only looks has no drills; they are not what it could have run and did not."""
        drills = [item for item in items if bdd.is_drill(item)]
        items[:] = [item for item in items if item not in drills]
        self._config.hook.pytest_deselected(items=drills)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        scenarios = {item: scenario for item in session.items if (scenario := bdd.scenario_of(item))}
        if not scenarios or self._config.option.collectonly:
            return
        if self._config.option.target is None:
            self._stop("no target: say which server with --target NAME or --target FILE", WRONG_USE)
        try:
            target = load(self._config.option.target)
            self._config.stash[ATTESTED] = self._attested(target)
        except WrongUse as error:
            self._stop(str(error), WRONG_USE)
        session.items[:] = sorted(_needed_first(session.items), key=bdd.is_drill)  # first all looks, then the acts
        if self._config.option.plan:
            planned = plan_of(target, self._catalogue, self._checks_by_item(session.items))
            self._config.hook.pytest_runbook_planned(target=target, planned=planned)
            self._screen.drill_plan(drills_of(target, self._catalogue, session.items))
            return
        with endings.deferred():
            running = self._config.stash[RUNNING] = begin(
                target,
                self._config.option.run_kind,
                self._config.option.reports or self._config.rootpath / "reports",
                self._catalogue,
                self._collected,
                len(scenarios),
                _override(self._config),
            )
        self._config.stash[DRILLING] = Drilling(
            target,
            running.observer,
            running.evidence,
            lambda act: self._catalogue.acts.get(act.template(), "an act"),
            lambda look: self._config.hook.pytest_runbook_steady_state(look=look),
            self._config.option.target,
            self._errors,
        )
        self._screen.begin(running)
        wanted = self._checks_by_item(session.items)
        checks = tuple(dict.fromkeys(check for checks in wanted.values() for check in checks))
        running.observer.expect(one for check in checks for one in self._catalogue.questions_of(check))
        self._config.hook.pytest_runbook_begun(running=running)
        running.look.start((asked_journal, *checks))

    def _attested(self, target: Target) -> Mapping[str, Attestation]:
        if target.attestations is None:
            return {}
        written = features.scenarios_of(features.read(self._config.rootpath / "features"))
        known = {one.id for one in written if "manual" in one.tags}
        return attesting.read(target.attestations, known)

    @pytest.hookimpl(trylast=True)
    def pytest_runbook_planned(self, planned: tuple[Planned, ...]) -> bool:
        self._screen.plan(planned)
        return True

    def _checks_by_item(self, items: list[pytest.Item]) -> dict[pytest.Item, tuple[Any, ...]]:
        return {
            item: tuple(
                dict.fromkeys(
                    check for function in bdd.step_functions(item) for check in self._catalogue.checks_of(function)
                )
            )
            for item in items
            if bdd.scenario_of(item)
        }

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
                    endings.end_if_a_signal_was_lost()
        finally:
            if RUNNING in self._config.stash:  # what is left is to hang up and to write it down: nothing may end that
                self._ending.enter_context(endings.held())

    def _tell_of_journal(self) -> None:
        running, untold = self._config.stash.get(RUNNING, None), None
        if running is None:
            return
        try:
            running.read_journal(self._config.option.target)
        except Undetermined as error:
            untold = error
        self._screen.journal(running.journal, untold)

    # A scenario as it runs

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> None:
        if RUNNING in self._config.stash:
            endings.end_if_a_signal_was_lost()

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        self._progress[request.node.nodeid] = Progress()
        for tag in sorted(bdd.tags_of(scenario)):
            needed, decisive = _stands_on(tag)
            outcome = self._outcomes.get(needed)
            if outcome in decisive:
                raise Undetermined(f"depends on “{needed}”, which {outcome}", because=needed)

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Any) -> None:
        progress = self._progress[request.node.nodeid]
        if bdd.is_drill(request.node):
            self._screen.drilling(f"{step.keyword.strip()} {step.name}", time.monotonic() - progress.clock)
            if self._config.option.step and not self._screen.goes_on():
                raise Stopped(f"the operator stopped it before: {step.name}")
        progress.step_clock = time.monotonic()
        progress.step_exchanges = self._config.stash[RUNNING].evidence.count

    def pytest_bdd_after_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        interrupt = sys.exc_info()[1]
        drilling = self._config.stash[DRILLING]
        progress = self._progress[request.node.nodeid]
        progress.operator = drilling.current
        whole = len(progress.steps) == len(scenario.steps) and {one.outcome for one in progress.steps} == {
            Outcome.PASSED
        }
        try:
            drilling.end(scenario_id(scenario.name) if whole else None)
        except KeyboardInterrupt as left:
            self._interrupted(request.node, scenario, left)
            raise
        except Differs as wrong:
            if not isinstance(interrupt, KeyboardInterrupt):
                raise
            self._interrupted(request.node, scenario, wrong)
            raise endings.Ended(str(interrupt)) from None
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
        checks = self._catalogue.checks_of(function)
        evidence = {one for check in checks for one in running.look.evidence_of(check)}
        if bdd.is_drill(item):
            evidence.update(range(progress.step_exchanges + 1, running.evidence.count + 1))
        progress.steps.append(step_record(step, progress, error, evidence, running.redactor))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        scenario = bdd.scenario_of(item)
        if scenario is None or RUNNING not in self._config.stash:
            return (yield)
        error = call.excinfo.value if call.excinfo else None
        caught = call.excinfo
        if isinstance(error, (Attested, Differs, Undetermined, NotApplicable, Refused)):
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

    # The end

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool | None:
        """Say in one sentence what pytest would say in forty lines, and keep its trace."""
        if self._config.option.target is None:
            return None
        running = self._config.stash.get(RUNNING, None)
        if running is not None:
            running.broke("the suite broke", excinfo.value)
        else:
            print(own_fault(excinfo.value), file=sys.stderr)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._config.option.plan and exitstatus == pytest.ExitCode.OK:
            return
        running = self._config.stash.get(RUNNING, None)
        if running is None:
            self._say_why_none_began(session, exitstatus)
            return
        self._ending.enter_context(endings.held())
        endings.has_begun()
        if exitstatus in (pytest.ExitCode.INTERRUPTED, INTERRUPTED):
            running.events.add(Event.INTERRUPTED)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            running.events.add(Event.OWN_FAULT)
        try:
            session.exitstatus = self._end(running)
        except Exception as error:
            running.broke("the suite broke at the end of the run", error)
            session.exitstatus = running.exit_code()
            print(own_fault(error), file=sys.stderr)
        finally:
            running.hang_up()

    def _end(self, running: Running) -> int:
        """Show the page that is shown while the line stands, hang up, write, and say what came of it."""
        hook = self._config.hook
        self._screen.quiet()
        shown = False
        with running.going_on("to show the page"):
            shown = bool(hook.pytest_runbook_ending(running=running))
        controls: tuple[Control, ...] = ()
        with running.going_on("to read the controls"):
            controls = hook.pytest_runbook_controls() or ()
        run = running.finish(controls)
        with running.going_on("to find what has changed"):
            changes = hook.pytest_runbook_changes(run=run, reports=running.folder.parent)
            run = run.model_copy(update={"changes": changes})
        run, report = self._written(running, running.brought_up_to_date(run))
        self._screen.end(run, report, running.folder, shown=shown)
        return run.exit_code

    def _written(self, running: Running, run: Run) -> tuple[Run, Path | None]:
        """Write the record and its reports; what could not be written stands in the record where that still can be."""
        if running.unwritable is not None:
            return run, None
        hook = self._config.hook
        try:
            return run, next(iter(hook.pytest_runbook_finished(run=run, folder=running.folder)), None)
        except Exception as error:
            running.broke(f"not everything can be written in {running.folder}", error)
            run = running.brought_up_to_date(run)
        with suppress(Exception):  # why not is told already
            hook.pytest_runbook_not_finished(run=run, folder=running.folder)
        return run, None

    def _say_why_none_began(self, session: pytest.Session, exitstatus: int) -> None:
        """Where a server was to be looked at and nothing was asked: why."""
        if self._there_are_scenarios and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = WRONG_USE
            print("no scenario was selected: nothing was asked", file=sys.stderr)
        elif self._config.option.target is not None and exitstatus == pytest.ExitCode.INTERRUPTED:
            print("Interrupted: nothing was asked", file=sys.stderr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and str(report.nodeid).endswith(".feature"):
            self._stop(f"{report.nodeid} cannot be read: {report.longreprtext}", OWN_FAULT)

    def _stop(self, sentence: str, code: int) -> NoReturn:
        """End the session; where pytest's own terminal output is off, nobody else says why."""
        if not self._config.pluginmanager.hasplugin("terminalreporter"):
            print(sentence, file=sys.stderr)
        pytest.exit(sentence, returncode=code)


def _override(config: pytest.Config) -> Override | None:
    reason, by = config.option.gate_override, config.option.gate_by
    return Override(reason=reason, by=by) if reason and by and config.option.run_kind == "gate" else None


def _drill_of(item: pytest.Item) -> str:
    """What a drill is called on the command line."""
    scenario = bdd.scenario_of(item)
    tags = bdd.tags_of(scenario) if scenario else frozenset()
    return next((tag.removeprefix("drill-") for tag in sorted(tags) if tag.startswith("drill-")), "without a name")


def _marks_of(tag: str) -> tuple[str, ...]:
    """A section's tag also marks its chapter, so that ``-m rb-2`` selects 2.1, 2.2, ..."""
    chapter = tag.partition(".")[0]
    return (tag, chapter) if tag.startswith("rb-") and chapter != tag else (tag,)


def _stands_on(tag: str) -> tuple[str, tuple[Outcome, ...]]:
    """The scenario that a tag says this one stands on, and the outcomes of that one which decide this one's."""
    tie, needed = depended_on(tag)
    decisive = {DEPENDS_ON: (Outcome.FAILED, Outcome.UNDETERMINED), EXPLAINED_BY: (Outcome.FAILED,)}
    return needed, decisive.get(tie, ())


def _needed_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """In the features' order, but each scenario after those that it stands on."""
    by_id = {scenario_id(scenario.name): item for item in items if (scenario := bdd.scenario_of(item))}
    ordered: dict[pytest.Item, None] = {}

    def place(item: pytest.Item, above: tuple[pytest.Item, ...]) -> None:
        scenario = bdd.scenario_of(item)
        for tag in sorted(bdd.tags_of(scenario)) if scenario else ():
            needed = by_id.get(_stands_on(tag)[0])
            if needed is not None and needed not in above:
                place(needed, (*above, needed))
        ordered.setdefault(item)

    for item in items:
        place(item, (item,))
    return list(ordered)


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
