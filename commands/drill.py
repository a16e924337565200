"""``runbook drill``: carry out a procedure of the runbook on a server, and undo it."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from commands.pytest_runner import PytestOptions, Reports, Server, run_features
from runbook.model.target_file import load

Drill = Literal["restore", "rollback", "rollback-as-written"]


def drill(
    name: Annotated[Drill, Parameter(help="The drill.")],
    /,
    *pytest_options: PytestOptions,
    target: Server,
    plan: Annotated[
        bool, Parameter(negative=(), help="Print its sentences and exact commands, each with its undo; touch nothing.")
    ] = False,
    step: Annotated[bool, Parameter(negative=(), help="Ask before each sentence whether to go on.")] = False,
    reports: Reports = None,
) -> int:
    """Carry out a drill and undo it, whatever happens. It runs only on a server that says itself that it is a lab.

    * restore: the latest backup, and the latest encrypted one, into a scratch database (section 5.3).
    * rollback: to the release before, and forward again, under load (section 3.4).
    * rollback-as-written: by section 3.4's own words, to show what that loses.

    What follows `--` goes to pytest as it is: `runbook drill restore --target lab -- --backup=FILE` takes another
    backup, by its name or path on the server.
    """
    load(target)
    options = ["--plan"] if plan else ["--step"] if step else []
    return run_features(
        "--run-kind=drill", f"-m=drill-{name}", *options, *pytest_options, target=target, reports=reports
    )
