"""The journal holds in whatever order things happen to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.journal.machine import Machine

STEPS_OF_ONE = 25


def run(rooms: tuple[Path, Path, bool], steps: int) -> int:
    """So many steps; how many there were."""
    Machine.rooms, Machine.steps = rooms, 0
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=steps // STEPS_OF_ONE,
            stateful_step_count=STEPS_OF_ONE,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Machine.steps


@pytest.mark.parametrize("steps", [500, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_sequence_loses_an_undo_or_does_one_that_is_not_its_own(rooms: tuple[Path, Path, bool], steps: int) -> None:
    assert run(rooms, steps) >= steps
