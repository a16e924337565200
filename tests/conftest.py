"""How many examples hypothesis tries: some at every save, many in soak. None is held to a time, for machines differ.

Samples and examples are drawn by one seed, which a run says at its end with what is to be repeated (`tests.telling`).
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.soak import LEDGER, Shard, Soaking
from tests.telling import SEED, Telling

settings.register_profile("save", deadline=None, max_examples=40)
settings.register_profile("soak", deadline=None, max_examples=500)
settings.load_profile("save")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("soak", "everything, in shards")
    group.addoption("--shard", metavar="N/OF", help="run this piece of what is collected, and write it to the ledger")
    group.addoption("--afresh", action="store_true", help="run again what has passed in this shard as things stand")
    group.addoption("--ledger", metavar="FILE", type=Path, default=LEDGER, help="one line for each case that has run")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    _let_signals_come()
    if config.getoption("--hypothesis-seed", None) is None:
        config.option.hypothesis_seed = SEED
    if not hasattr(config, "workerinput"):  # who shares the work says what became of it; the others do it
        config.pluginmanager.register(Telling(config), "telling")
    if config.option.shard:
        try:
            shard = Shard.read(config.option.shard)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
        config.pluginmanager.register(Soaking(shard, config.option.ledger, afresh=config.option.afresh), "soaking")


def _let_signals_come() -> None:
    """Tests end what they start by signals, and what ignores one hands that on to all that it starts.

    Whoever runs the tests in the background, or by nohup, ignores some.
    """
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
