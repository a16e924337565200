"""Where the runbook's own command says that all is well, the scenario that really looks says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from lab import faults
from lab.fault_helpers import wait_until_well
from lab.misleading import Misleading, table
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.suite import features
from tests.lab.looking import Verified
from tests.lab.sampling import sampled

SECTIONS = {one.id: one.section for one in features.scenarios_of(features.read())}


@pytest.mark.parametrize("row", sampled(table(), 4))
def test_the_runbooks_command_says_well_and_the_scenario_fails(
    row: Misleading, lab: Server, look: Callable[..., Verified]
) -> None:
    try:
        faults.inject(lab, row.fault)
        told = lab.run(row.command, seconds=60)
        seen = look(f"--section={SECTIONS[row.scenario]}")
    finally:
        faults.heal(lab, row.fault)
    wait_until_well(lab)
    assert told.status == 0, told.err
    assert re.search(row.well, told.out), told.out
    assert row.scenario in seen.ids(Outcome.FAILED), seen.told()
