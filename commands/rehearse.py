"""``runbook rehearse``: the whole runbook on a disposable server."""

from __future__ import annotations

from commands.pytest_runner import Reports, run_features
from lab.disposable import disposable

LAB = "rehearsal"


def rehearse(*, reports: Reports = None) -> int:
    """Make a disposable server, run the whole runbook on it, write the report, take the server away."""
    with disposable(LAB) as server:
        return run_features("--run-kind=rehearse", target=str(server.state / "target.toml"), reports=reports)
