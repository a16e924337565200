"""``runbook triage``: what is broken and what to do now, within 10 seconds. Read-only."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from rich.console import Console

from commands.pytest_runner import Reports, Server, run_features
from runbook.model.exits import Event
from runbook.model.target_file import load
from runbook.suite.run import ActiveRun

SECONDS = 10
"""From the start of the process to the page, whatever is still open then."""

SHORTEST_SECONDS = 5

TO_PRINT_SECONDS = 1.5
SELECTED = "check and critical and (rb-2 or rb-3)"
FEATURES = ("02-health", "03-incidents")


def triage(
    *,
    target: Server,
    within: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=SHORTEST_SECONDS),
            help="Print what is known after this many seconds; use more on a slow connection.",
        ),
    ] = SECONDS,
    reports: Reports = None,
) -> int:
    """Tell within 10 seconds what is broken: causes first, each with the next command, ready to paste.

    It looks at the critical scenarios of sections 2 and 3. Nothing on the server is changed.
    """
    end = _Page(target, _began() + within - TO_PRINT_SECONDS)
    load(target)
    return run_features(
        "--run-kind=triage",
        f"-m={SELECTED}",
        target=target,
        reports=reports,
        features=FEATURES,
        plugins=[end],
    )


class _Page:
    """Asks beside the scenarios what a person wants to know, and prints the page while the line still stands."""

    def __init__(self, given: str, until: float) -> None:
        self._given, self._until = given, until

    def pytest_runbook_begun(self, running: ActiveRun) -> None:
        from checks.docker.container_history import container_history

        running.snapshot.end_at(self._until)
        running.observer.probe_reachability()
        running.snapshot.start([container_history])

    def pytest_runbook_ending(self, running: ActiveRun) -> bool:
        from triage.causes import find, seen_by
        from triage.page import Page

        if Event.INTERRUPTED in running.events:
            return False  # the page would wait for what is still asked
        seen = seen_by(running.snapshot)
        met = running.observer.connection.port_state()
        run = running.record()
        page = Page(
            Console(file=sys.stdout, highlight=False),
            running.target,
            self._given,
            running.redactor.redact,
            seen.lately.now if seen.lately else None,
        )
        page.show(run, run.line, find(run, seen, met), met)
        return True


def _began() -> float:
    """When this process was started, by the monotonic clock: on a busy machine that is a while ago."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return time.monotonic()
    return time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
