"""What the commands have in common: their options, and pytest behind them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Annotated, Any

import pytest
from _pytest.config import ConftestImportFailure
from cyclopts import Parameter

from runbook.model.exits import INTERNAL_ERROR, WRONG_USE

ROOT = Path(__file__).resolve().parent.parent

NOT_NEEDED = (
    "terminalreporter",  # the screen is ours
    "cacheprovider",
    "stepwise",
    "logging",  # it walks all loggers at each scenario, while threads of ours make some
    "threadexception",
    "unraisableexception",  # it collects garbage five times at the end
    "doctest",
    "unittest",
    "subtests",
    "pastebin",
    "setupplan",
    "setuponly",
    "legacypath",
)
"""Plugins of pytest's that a look at a server has no use for: each is time, and one more thing that could break."""

Server = Annotated[
    str,
    Parameter(
        name="--target",
        env_var="RUNBOOK_TARGET",
        help="The server: the name of a file in targets/, or the path of one.",
    ),
]
Sections = Annotated[
    list[str] | None,
    Parameter(
        name="--section",
        negative=(),
        help="Only this section of the runbook, such as 2.1 or 5, or this scenario by its id; can be repeated.",
    ),
]
PytestOptions = Annotated[
    str,
    Parameter(
        name="PYTEST",
        allow_leading_hyphen=True,
        help="What follows `--` goes to pytest as it is, such as `-- -k disk` or `-- -x --junitxml=out.xml`.",
    ),
]
Reports = Annotated[Path | None, Parameter(name="--reports", help="Where the run's folder goes; reports/ by default.")]


def run_features(
    *options: str,
    target: str,
    sections: Iterable[str] = (),
    reports: Path | None = None,
    features: Iterable[str] = (),
    plugins: Iterable[object] = (),
) -> int:
    """Run the features with pytest, whose own terminal output gives way to ours; returns the exit code.

    Where some are named, only their files are read.
    """
    wanted = " or ".join(f"rb-{one}" if one[:1].isdigit() else one for one in sections)
    end = _End()
    pytest.main(
        [
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--rootdir={ROOT}",
            "--no-header",
            "--disable-plugin-autoload",  # a third of the time until the first question
            "-ppytest_bdd.plugin",
            "--disable-warnings",
            *(f"-pno:{plugin}" for plugin in NOT_NEEDED),
            "--capture=no",
            f"--target={target}",
            *([f"-m={wanted}"] if wanted else []),
            *([f"--reports={reports.absolute()}"] if reports else []),
            *options,
            *([str(ROOT / "features" / f"{one}.feature") for one in features] or [str(ROOT / "features")]),
        ],
        plugins=[end, *plugins],
    )
    return end.code


class _End:
    """How it ended, in our codes: the plugin's own, and where pytest did not come so far, what that means."""

    code = WRONG_USE  # pytest refused its command line and has said why

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self) -> Generator[None, None, None]:
        try:
            return (yield)
        except ConftestImportFailure:  # of which pytest says what broke, and that the command line was wrong
            self.code = INTERNAL_ERROR
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        status = yield
        self.code = int(status)
        return status
