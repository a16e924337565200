"""What repeats, kills or floods runs whole in `make soak` and is sampled otherwise, by a seed that is printed."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from _pytest.mark.structures import ParameterSet

from tests.telling import SEED


def sampled(cases: Sequence[object], take: int) -> list[ParameterSet]:
    """The cases as parameters; all but so many of them, drawn by the seed, are left to soak."""
    drawn = random.Random(int(SEED)).sample(range(len(cases)), take)
    return [
        pytest.param(case, id=str(case), marks=() if number in drawn else pytest.mark.soak)
        for number, case in enumerate(cases)
    ]
