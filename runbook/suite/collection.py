"""Collection: which scenarios there are, and what they ask, which is asked together before the first of them runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from runbook.drill.session import DrillSession
from runbook.model import renamed
from runbook.model.exits import INTERNAL_ERROR, WRONG_USE, UsageError
from runbook.model.record import Override
from runbook.model.target import Target
from runbook.model.target_file import load
from runbook.process import signals
from runbook.suite import attestation as attesting
from runbook.suite import features, pytest_bdd_adapter
from runbook.suite.attestation import Attestation
from runbook.suite.dependencies import needed_first
from runbook.suite.features import TAG, scenario_id
from runbook.suite.plan import Planned, drills_of, plan_of
from runbook.suite.run import open_journal, start_run
from runbook.suite.session import ATTESTED, DRILLING, RUNNING, Session

ONLY_LOOKING = ("verify", "triage", "gate")


class Collection:
    """From the features to a plan or to a run that has begun."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._config = session.config

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
        self._session.there_are_scenarios = any(map(pytest_bdd_adapter.scenario_of, items))
        if self._session.there_are_scenarios:
            self._select_by_id(items)
        if self._config.option.run_kind in ONLY_LOOKING:
            self._leave_out_drills(items)
        self._session.collected = sum(1 for item in items if pytest_bdd_adapter.scenario_of(item))

    def _select_by_id(self, items: list[pytest.Item]) -> None:
        """Let ``-k`` and ``-m`` know each scenario by its id, by one of an earlier version too."""
        for item in items:
            if scenario := pytest_bdd_adapter.scenario_of(item):
                own = scenario_id(scenario.name)
                self._config.addinivalue_line("markers", f"{own}: a scenario's id")
                item.add_marker(own)
        option = self._config.option
        option.keyword, option.markexpr = map(renamed.in_expression, (option.keyword, option.markexpr))

    def _leave_out_drills(self, items: list[pytest.Item]) -> None:
        """A run that only looks has no drills; they are not what it could have run and did not."""
        drills = [item for item in items if pytest_bdd_adapter.is_drill(item)]
        items[:] = [item for item in items if item not in drills]
        self._config.hook.pytest_deselected(items=drills)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        scenarios = {item: scenario for item in session.items if (scenario := pytest_bdd_adapter.scenario_of(item))}
        if not scenarios or self._config.option.collectonly:
            return
        if self._config.option.target is None:
            self._stop("no target: say which server with --target NAME or --target FILE", WRONG_USE)
        try:
            target = load(self._config.option.target)
            self._config.stash[ATTESTED] = self._attested(target)
        except UsageError as error:
            self._stop(str(error), WRONG_USE)
        in_order = needed_first(session.items)
        session.items[:] = sorted(in_order, key=pytest_bdd_adapter.is_drill)  # first all looks, then the acts
        if self._config.option.plan:
            planned = plan_of(target, self._session.catalogue, self._checks_by_item(session.items))
            self._config.hook.pytest_runbook_planned(target=target, planned=planned)
            self._session.screen.drill_plan(drills_of(target, self._session.catalogue, session.items))
            return
        with signals.deferred():
            running = self._config.stash[RUNNING] = start_run(
                target,
                self._config.option.run_kind,
                self._config.option.reports or self._config.rootpath / "reports",
                self._session.catalogue,
                self._session.collected,
                len(scenarios),
                _override(self._config),
            )
        self._config.stash[DRILLING] = DrillSession(
            target,
            running.observer,
            running.evidence,
            lambda act: self._session.catalogue.actions.get(act.template(), "an act"),
            lambda snapshot: self._config.hook.pytest_runbook_steady_state(snapshot=snapshot),
            self._config.option.target,
            self._session.errors,
        )
        self._session.screen.begin(running)
        wanted = self._checks_by_item(session.items)
        checks = tuple(dict.fromkeys(check for checks in wanted.values() for check in checks))
        running.observer.announce(one for check in checks for one in self._session.catalogue.questions_of(check))
        self._config.hook.pytest_runbook_begun(running=running)
        running.snapshot.start((open_journal, *checks))

    def _attested(self, target: Target) -> Mapping[str, Attestation]:
        if target.attestations is None:
            return {}
        written = features.scenarios_of(features.read(self._config.rootpath / "features"))
        known = {one.id for one in written if "manual" in one.tags}
        return attesting.read(target.attestations, known)

    @pytest.hookimpl(trylast=True)
    def pytest_runbook_planned(self, planned: tuple[Planned, ...]) -> bool:
        self._session.screen.plan(planned)
        return True

    def _checks_by_item(self, items: list[pytest.Item]) -> dict[pytest.Item, tuple[Any, ...]]:
        return {
            item: tuple(
                dict.fromkeys(
                    check
                    for function in pytest_bdd_adapter.step_functions(item)
                    for check in self._session.catalogue.checks_of(function)
                )
            )
            for item in items
            if pytest_bdd_adapter.scenario_of(item)
        }

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and str(report.nodeid).endswith(".feature"):
            self._stop(f"{report.nodeid} cannot be read: {report.longreprtext}", INTERNAL_ERROR)

    def _stop(self, sentence: str, code: int) -> NoReturn:
        """End the session; where pytest's own terminal output is off, nobody else says why."""
        if not self._config.pluginmanager.hasplugin("terminalreporter"):
            print(sentence, file=sys.stderr)
        pytest.exit(sentence, returncode=code)


def _override(config: pytest.Config) -> Override | None:
    reason, by = config.option.gate_override, config.option.gate_by
    return Override(reason=reason, by=by) if reason and by and config.option.run_kind == "gate" else None


def _marks_of(tag: str) -> tuple[str, ...]:
    """A section's tag also marks its chapter, so that ``-m rb-2`` selects 2.1, 2.2, ..."""
    chapter = tag.partition(".")[0]
    return (tag, chapter) if tag.startswith("rb-") and chapter != tag else (tag,)
