"""``runbook verify``: whether the server is as the runbook says. Read-only."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from commands.pytest_runner import PytestOptions, Reports, Sections, Server, run_features
from runbook.model.target_file import load


def verify(
    *pytest_options: PytestOptions,
    target: Server,
    section: Sections = None,
    plan: Annotated[
        bool, Parameter(negative=(), help="Print every question that could be asked and the right it needs; ask none.")
    ] = False,
    reports: Reports = None,
) -> int:
    """Verify that the server is as the runbook says. Nothing on it is changed.

    What follows `--` goes to pytest as it is: `runbook verify --target production -- -k disk` looks at the scenarios
    whose names have the word, `-- -x` ends at the first that failed, `-- --junitxml=FILE` writes a file for CI.
    """
    load(target)
    return run_features(
        *pytest_options, *(["--plan"] if plan else []), target=target, sections=section or (), reports=reports
    )
