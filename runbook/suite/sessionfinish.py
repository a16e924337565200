"""How a session ends: what escapes is noted as ours, the record is written, then the screen says what came of it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import pytest

from runbook.model.exits import INTERRUPTED, WRONG_USE, Event
from runbook.model.record import Control, Run
from runbook.process import signals
from runbook.suite.run import ActiveRun, internal_error
from runbook.suite.session import RUNNING, Session


class SessionFinish:
    """The end of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._config = session.config

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool | None:
        """Say in one sentence what pytest would say in forty lines, and keep its trace."""
        if self._config.option.target is None:
            return None
        running = self._config.stash.get(RUNNING, None)
        if running is not None:
            running.broke("the suite broke", excinfo.value)
        else:
            print(internal_error(excinfo.value), file=sys.stderr)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._config.option.plan and exitstatus == pytest.ExitCode.OK:
            return
        running = self._config.stash.get(RUNNING, None)
        if running is None:
            self._say_why_none_began(session, exitstatus)
            return
        self._session.ending.enter_context(signals.held())
        signals.has_begun()
        if exitstatus in (pytest.ExitCode.INTERRUPTED, INTERRUPTED):
            running.events.add(Event.INTERRUPTED)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            running.events.add(Event.INTERNAL_ERROR)
        try:
            session.exitstatus = self._end(running)
        except Exception as error:
            running.broke("the suite broke at the end of the run", error)
            session.exitstatus = running.exit_code()
            print(internal_error(error), file=sys.stderr)
        finally:
            running.hang_up()

    def _end(self, running: ActiveRun) -> int:
        """Show the page that is shown while the line stands, hang up, write, and say what came of it."""
        hook = self._config.hook
        self._session.screen.quiet()
        shown = False
        with running.going_on("to show the page"):
            shown = bool(hook.pytest_runbook_ending(running=running))
        controls: tuple[Control, ...] = ()
        with running.going_on("to read the controls"):
            controls = hook.pytest_runbook_controls() or ()
        run = running.finish(controls)
        with running.going_on("to find what has changed"):
            changes = hook.pytest_runbook_changes(run=run, reports=running.folder.parent)
            run = run.model_copy(update={"changes": changes})
        run, report = self._written(running, running.brought_up_to_date(run))
        self._session.screen.end(run, report, running.folder, shown=shown)
        return run.exit_code

    def _written(self, running: ActiveRun, run: Run) -> tuple[Run, Path | None]:
        """Write the record and its reports; what could not be written stands in the record where that still can be."""
        if running.unwritable is not None:
            return run, None
        hook = self._config.hook
        try:
            return run, next(iter(hook.pytest_runbook_finished(run=run, folder=running.folder)), None)
        except Exception as error:
            running.broke(f"not everything can be written in {running.folder}", error)
            run = running.brought_up_to_date(run)
        with suppress(Exception):  # why not is told already
            hook.pytest_runbook_not_finished(run=run, folder=running.folder)
        return run, None

    def _say_why_none_began(self, session: pytest.Session, exitstatus: int) -> None:
        """Where a server was to be looked at and nothing was asked: why."""
        if self._session.there_are_scenarios and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = WRONG_USE
            print("no scenario was selected: nothing was asked", file=sys.stderr)
        elif self._config.option.target is not None and exitstatus == pytest.ExitCode.INTERRUPTED:
            print("Interrupted: nothing was asked", file=sys.stderr)
