"""What the commands have in common: their options, and pytest behind them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import pytest
from cyclopts import Parameter

from runbook.exits import COMPLIANT, FAILED, INTERRUPTED, OWN_FAULT, WRONG_USE

ROOT = Path(__file__).resolve().parent.parent

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
        help="Only this section of the runbook, such as 2.1 or 5; may be given several times.",
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
    wanted = " or ".join(f"rb-{section}" for section in sections)
    end = _End()
    pytest.main(
        [
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--rootdir={ROOT}",
            "--no-header",
            "--disable-plugin-autoload",  # a third of the time until the first question
            "-ppytest_bdd.plugin",
            "--disable-warnings",
            "-pno:terminalreporter",
            "-pno:cacheprovider",
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
    """How the session ended, in our codes. pytest's own stand where no run began; some are the same numbers."""

    code = WRONG_USE  # pytest refused its command line and has said why

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        status = session.exitstatus
        self.code = _OURS[status] if isinstance(status, pytest.ExitCode) else status


_OURS = {
    pytest.ExitCode.OK: COMPLIANT,
    pytest.ExitCode.TESTS_FAILED: FAILED,
    pytest.ExitCode.INTERRUPTED: INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR: OWN_FAULT,
    pytest.ExitCode.USAGE_ERROR: WRONG_USE,
    pytest.ExitCode.NO_TESTS_COLLECTED: WRONG_USE,
}
