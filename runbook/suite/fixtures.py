"""The fixtures that steps take beside the checks."""

from __future__ import annotations

import pytest

from runbook.drill.executor import DrillExecutor
from runbook.observation.snapshot import Snapshot
from runbook.suite import pytest_bdd_adapter
from runbook.suite.attestation import Attestation
from runbook.suite.features import scenario_id
from runbook.suite.run import Kind
from runbook.suite.session import ATTESTED, DRILLING, RUNNING


@pytest.fixture(scope="session")
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """The run's look at its target."""
    return request.config.stash[RUNNING].snapshot


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> DrillExecutor:
    """The executor of this drill; who asks first engages the interlock."""
    return request.config.stash[DRILLING].executor(_drill_of(request.node))


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
    scenario = pytest_bdd_adapter.scenario_of(request.node)
    return request.config.stash[ATTESTED].get(scenario_id(scenario.name)) if scenario else None


def _drill_of(item: pytest.Item) -> str:
    """What a drill is called on the command line."""
    scenario = pytest_bdd_adapter.scenario_of(item)
    tags = pytest_bdd_adapter.tags_of(scenario) if scenario else frozenset()
    return next((tag.removeprefix("drill-") for tag in sorted(tags) if tag.startswith("drill-")), "without a name")
