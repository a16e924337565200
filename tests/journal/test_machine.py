"""The journal holds in whatever order things happen to it: 500 steps at every save, 10,000 more in soak."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.journal.machine import Machine
from tests.telling import SEED

STEPS_OF_ONE, FEWEST_OF_ONE = 25, 20
"""How long one sequence is; hypothesis ends a few of them earlier."""
SOME, MANY = 500, 1_000


@pytest.mark.parametrize(
    ("part", "steps"),
    [(0, SOME), *(pytest.param(part, MANY, marks=pytest.mark.soak) for part in range(1, 11))],
)
def test_no_sequence_loses_an_undo_or_does_one_that_is_not_its_own(
    rooms: tuple[Path, Path, bool], part: int, steps: int
) -> None:
    Machine.rooms, Machine.steps = rooms, 0
    run_state_machine_as_test(
        seed(f"{SEED} {part}")(Machine),
        settings=settings(
            max_examples=steps // FEWEST_OF_ONE,
            stateful_step_count=STEPS_OF_ONE,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Machine.steps >= steps
