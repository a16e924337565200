"""What repeats, kills or floods runs whole in `make soak` and is sampled otherwise, by a seed that is printed."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest
from _pytest.mark.structures import ParameterSet

SEED = int(os.environ.get("RUNBOOK_SEED") or random.randrange(10**6))


def sampled(cases: Sequence[object], take: int) -> list[ParameterSet]:
    """The cases as parameters; all but so many of them, drawn by the seed, are left to soak."""
    drawn = random.Random(SEED).sample(range(len(cases)), take)
    return [
        pytest.param(case, id=str(case), marks=() if number in drawn else pytest.mark.soak)
        for number, case in enumerate(cases)
    ]
