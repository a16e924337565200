"""Every row of the table names a fault that there is, and a scenario that this fault makes fail."""

from __future__ import annotations

import pytest

from lab import faults
from lab.misleading import Misleading, table


@pytest.mark.parametrize("row", table(), ids=str)
def test_its_fault_makes_its_scenario_fail(row: Misleading) -> None:
    assert row.scenario in faults.describe(row.fault).fails
