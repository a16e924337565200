"""What the engine asks of the packages above it: pytest's hooks of the runbook."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.drill.interlock import SteadyState
from runbook.model.changes import Changes
from runbook.model.record import Control, Run
from runbook.model.target import Target
from runbook.observation.catalogue import Catalogue
from runbook.observation.snapshot import Snapshot
from runbook.suite.plan import Planned
from runbook.suite.run import ActiveRun


class Hooks:
    """What the engine asks of the packages above it."""

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_catalogue(self) -> Catalogue:
        """The checks that scenarios may rest on."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_planned(self, target: Target, planned: tuple[Planned, ...]) -> bool:
        """Show what a run could ask, in place of asking it; true where that is done."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_steady_state(self, snapshot: Snapshot) -> SteadyState:
        """What must hold before a drill, and be the same after it."""
        raise NotImplementedError

    @pytest.hookspec
    def pytest_runbook_begun(self, running: ActiveRun) -> None:
        """Take note that a run begins: what is asked now is asked together with the checks."""
        raise NotImplementedError

    @pytest.hookspec(firstresult=True)
    def pytest_runbook_ending(self, running: ActiveRun) -> bool:
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
