"""How many examples hypothesis tries: some at every save, many in soak. None is held to a time, for machines differ.

Samples and examples are drawn by one seed, which a run says at its end with what is to be repeated (`tests.telling`).
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.telling import SEED, Telling

settings.register_profile("save", deadline=None, max_examples=40)
settings.register_profile("soak", deadline=None, max_examples=500)
settings.load_profile("save")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--hypothesis-seed", None) is None:
        config.option.hypothesis_seed = SEED
    if not hasattr(config, "workerinput"):  # who shares the work says what became of it; the others do it
        config.pluginmanager.register(Telling(config), "telling")
