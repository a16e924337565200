"""``runbook gate``: whether a deploy is safe now."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import pytest
from cyclopts import Parameter

from commands.pytest_runner import Reports, Server, run_features
from reporting import github
from runbook.model.exits import INTERNAL_ERROR, WRONG_USE, worst
from runbook.model.record import Run
from runbook.model.target_file import load
from runbook.suite.run import internal_error

BESIDE = ("rb-2", "rb-6", "rb-7")
"""Health, alerts and certificate: shown and never deciding, for a deploy may be what repairs them."""


def gate(
    *,
    target: Server,
    override: Annotated[
        str | None,
        Parameter(help="Why to deploy although something failed; what is undetermined still blocks."),
    ] = None,
    by: Annotated[str | None, Parameter(help="Who approves the override.")] = None,
    reports: Reports = None,
) -> int:
    """Tell within a minute whether a deploy is safe now. Nothing on the server is changed.

    What decides is what makes a deploy unsafe: no room for another image, no fresh and whole backup, no release to
    roll back to, a deploy, migration, backup or drill in progress, a clone that is not its origin's, variables that are
    missing or differ. Health, alerts and certificate are shown beside it.
    """
    load(target)
    if (override is None) != (by is None):
        print("an override needs both: --override REASON and --by NAME", file=sys.stderr)
        return WRONG_USE
    if override is not None and by is not None and not (override.strip() and by.strip()):
        print("an override needs a reason and a name that are not empty", file=sys.stderr)
        return WRONG_USE
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
    record = _Record()
    with github.commands_stopped(sys.stdout) if in_actions else nullcontext():
        code = run_features(
            "--run-kind=gate",
            f"-m={' or '.join(('gate', *BESIDE))}",
            *([f"--gate-override={override.strip()}", f"--gate-by={by.strip()}"] if override and by else []),
            target=target,
            reports=reports,
            plugins=[record],
        )
    if in_actions and record.run is not None:
        try:
            _tell_github(record.run)
        except Exception as error:
            print(internal_error(error), file=sys.stderr)
            return worst(code, INTERNAL_ERROR)
    return code


class _Record:
    """Takes the record of the run from the plugin, before it is known whether it can be written."""

    run: Run | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runbook_finished(self, run: Run) -> None:
        self.run = run


def _tell_github(run: Run) -> None:
    for line in github.annotation_lines(run):
        print(line, flush=True)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            github.append_summary(run, Path(summary))
        except OSError as error:  # the verdict stands without it
            print(f"the job's summary could not be written: {error.strerror}", file=sys.stderr)
