"""What a run says on the terminal: progress on long work, causes first, the report's path last."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

import pytest
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from runbook.model.exits import INTERRUPTED
from runbook.model.outcome import SIGNS, Outcome, Undetermined
from runbook.model.record import OpenJournal, Run, Scenario
from runbook.model.verdict import causes_with_consequences, gating, overridden, verdict_of
from runbook.suite.features import section_order
from runbook.suite.plan import Planned, PlannedAction, PlannedDrill
from runbook.suite.run import ActiveRun

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.UNDETERMINED: "bold yellow",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.WAIVED: "yellow",
    Outcome.ATTESTED: "cyan",
}
LONGEST_SEEN = 400
NAMED_AT_MOST = 6
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """What a server said, without anything that could steer a terminal."""
    return _CONTROL.sub("�", text)


def failure(scenario: Scenario) -> str:
    """A failed scenario in a few lines of plain text."""
    lines = [f"{scenario.section}  {scenario.name}  [{scenario.severity}]"]
    lines += [f"  {name}: {clean(what)}" for name, what in _what_to_know(scenario)]
    return "\n".join(lines)


def show_question(console: Console, question: Planned, *, by: str = "", more: str = "") -> None:
    """Print one question: how it is called, what it needs, and as it is asked, ``by`` that much from the left."""
    needs = f"{question.vantage} · needs {question.right} · at most {question.seconds:g} s"
    console.print(Text.assemble(by, (question.name, "bold"), f"  {needs}{more}"), soft_wrap=True)
    console.print(Text(_indented(question.asked, f"{by}    "), "cyan"), soft_wrap=True)


def show_action(console: Console, act: PlannedAction) -> None:
    """Print one act: the exact command, and what undoes it."""
    console.print(Text(f"      {act.name}", "dim"))
    console.print(Text(_indented(act.script, "        "), "cyan"), soft_wrap=True)
    console.print(Text(_indented(act.undo, "        undo: "), "dim cyan"), soft_wrap=True)


def say_journal(console: Console, journal: OpenJournal | None, untold: Undetermined | None = None) -> None:
    """Say what a drill has left open on a server; where the account may not see that, say so."""
    if journal is not None:
        console.print(Text(clean(journal.sentence()), "bold yellow"), soft_wrap=True)
    elif untold is not None and untold.right is not None:
        said = f"Whether a drill was left open could not be determined: {untold}"
        console.print(Text(clean(said), "yellow"), soft_wrap=True)


class Screen:
    """The terminal of one session."""

    def __init__(self, config: pytest.Config) -> None:
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
        self._alone = config.option.capture == "no"  # else pytest shows progress, and would capture ours
        self._status: Status | None = None
        self._done = 0
        self._selected = 0

    def begin(self, running: ActiveRun) -> None:
        """Say what is looked at."""
        target, self._selected = running.target, running.selected
        head = Text.assemble(
            ("PsyFit runbook", "bold"),
            f" · {running.kind} · {target.name} ({target.environment}) · {target.domain} at {target.address}",
        )
        if running.kind != "triage":  # whose first line says what is wrong
            self._console.print(head)
            self._console.print(Text(f"running {running.selected} scenarios …", "dim"))
        if self._console.is_terminal and self._alone:
            self._status = self._console.status(self._progress())
            self._status.start()

    def journal(self, journal: OpenJournal | None, untold: Undetermined | None) -> None:
        """Say before anything else what a drill has left open, or that the account may not see it."""
        say_journal(self._console, journal, untold)

    def scenario(self, record: Scenario) -> None:
        """Note one scenario's end."""
        self._done += 1
        if self._status is not None:
            self._status.update(f"{self._progress()} {clean(record.name)}")

    def drilling(self, sentence: str, seconds: float) -> None:
        """Show a drill's sentence as it begins, with the time since the drill began."""
        if self._alone:
            self._console.print(Text.assemble((f"  {seconds:6.1f} s  ", "dim"), clean(sentence)), soft_wrap=True)

    def goes_on(self) -> bool:
        """Ask the operator whether to do the sentence shown last; no answer means no."""
        if self._status is not None:
            self._status.stop()
        try:
            return self._console.input("            Enter continues, anything else stops: ").strip() == ""
        except (EOFError, OSError):
            return False

    def end(self, run: Run, report: Path | None, folder: Path, *, shown: bool = False) -> None:
        """The summary: sections, causes with what to do, the verdict; where that is shown, what else has to be known.

        Last the report's path, or that of the folder where it should stand.
        """
        if not shown:
            self._summary(run)
        if run.exit_code == INTERRUPTED:
            came = f"{len(run.scenarios)} of {run.selected} scenarios came to an outcome"
            self._console.print(Text(f"Interrupted: {came}", "bold yellow"), soft_wrap=True)
        if run.evidence_incomplete:
            said = f"Evidence incomplete: {run.evidence_incomplete}; run.json has all of it"
            self._console.print(Text(clean(said), "bold yellow"), soft_wrap=True)
        for fault in run.own_faults:
            self._console.print(
                Text(clean(f"Internal error: {fault} → exit {run.exit_code}"), "bold red"), soft_wrap=True
            )
        self._console.print(Text(f"Report: {report}" if report else f"No complete report: {folder}"), soft_wrap=True)

    def quiet(self) -> None:
        """Take away what shows the progress."""
        if self._status is not None:
            self._status.stop()

    def _summary(self, run: Run) -> None:
        self._console.print()
        self._console.print(_sections(run))
        if run.line:
            self._console.print(Text(f"\n{clean(run.line)}", "bold yellow"))
        deciding = {one.id for one in gating(run)}
        for cause, following in causes_with_consequences(run):
            self._cause(cause, following, cause.id in deciding)
        self._notices(run)
        self._verdict(run)

    def plan(self, planned: Iterable[Planned]) -> None:
        """Print every question, and say that none was asked."""
        listed = tuple(planned)
        for question in listed:
            sections = f" · for {', '.join(question.sections) or 'what is asked before all sections'}"
            show_question(self._console, question, more=sections)
        self._console.print(f"{len(listed)} questions; none was asked.")

    def drill_plan(self, drills: Iterable[PlannedDrill]) -> None:
        """Print each drill's sentences with the exact commands and what undoes them; nothing is touched."""
        for drill in drills:
            self._console.print(Text(f"\n{drill.name}", "bold"))
            for sentence, acts in drill.sentences:
                self._console.print(Text(f"  {sentence}"), soft_wrap=True)
                for act in acts:
                    show_action(self._console, act)

    def _progress(self) -> str:
        return f"{self._done} of {self._selected}"

    def _cause(self, cause: Scenario, following: tuple[Scenario, ...], decides: bool) -> None:
        self._console.print()
        self._console.print(
            Text.assemble(
                (f"{SIGNS[cause.outcome]} {cause.outcome.upper()}", STYLES[cause.outcome]),
                f"  {cause.section}  ",
                (clean(cause.name), "bold"),
                (f"  [{cause.severity}]", "dim"),
                ("" if decides else "  informational, does not block", "dim"),
            )
        )
        for name, what in _what_to_know(cause):
            shown = what if len(what) <= LONGEST_SEEN else what[:LONGEST_SEEN] + " …"
            self._console.print(Padding(Text.assemble((f"{name}: ", "dim"), clean(shown)), (0, 0, 0, 4)))
        if following:
            what = f"{len(following)} more could not be determined for the same reason: {_named(following)}"
            self._console.print(Padding(Text(clean(what), "dim"), (0, 0, 0, 4)))

    def _notices(self, run: Run) -> None:
        offset = run.server.clock_offset_seconds
        if offset is not None and abs(offset) >= 5:
            self._console.print(Text(f"\nThe server's clock differs from this machine's by {offset:+.0f} s.", "yellow"))
        if run.override:
            let_through = ", ".join(one.name for one in overridden(run)) or "nothing had to be"
            said = f"\nOverride by {run.override.by}: {run.override.reason}\nLet through: {let_through}"
            self._console.print(Text(clean(said), "bold yellow"))

    def _verdict(self, run: Run) -> None:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in run.counts().items() if count)
        seconds = (run.ended - run.started).total_seconds()
        worst = _worst(run)
        self._console.print()
        if run.changes and run.changes.earlier:
            before = run.changes.earlier.started.astimezone(UTC)
            since = f"Since the run before, on {before:%Y-%m-%d %H:%M} UTC: {run.changes.summary()}"
            if run.changes.renamed:
                since += f" (renamed since: {len(run.changes.renamed)} scenarios, each named in the report)"
            self._console.print(Text(since), soft_wrap=True)
        self._console.print(
            Text.assemble(
                (f"{SIGNS[worst]} {run.server.name}: {verdict_of(run)}", STYLES[worst]),
                f" · {counts or 'nothing was run'} · {seconds:.1f} s · exit {run.exit_code}",
            ),
            soft_wrap=True,
        )


def _indented(text: str, by: str) -> str:
    return "\n".join(by + line for line in text.strip().splitlines())


def _worst(run: Run) -> Outcome:
    """The worst outcome among those that decide; what an override lets through counts as waived."""
    outcomes = {one.outcome for one in gating(run)}
    if Outcome.FAILED in outcomes and not overridden(run):
        return Outcome.FAILED
    if Outcome.UNDETERMINED in outcomes or not outcomes:
        return Outcome.UNDETERMINED
    return Outcome.WAIVED if overridden(run) else Outcome.PASSED


def _named(scenarios: tuple[Scenario, ...]) -> str:
    """A few by their names, many by their sections."""
    if len(scenarios) <= NAMED_AT_MOST:
        return ", ".join(one.name for one in scenarios)
    counted = Counter(one.section for one in scenarios)
    return ", ".join(f"{counted[section]} of {section}" for section in sorted(counted, key=section_order))


def _what_to_know(scenario: Scenario) -> list[tuple[str, str]]:
    difference = next((step.difference for step in scenario.steps if step.difference), None)
    if difference is not None:
        return [
            ("expected", difference.expected),
            ("seen", difference.seen),
            ("go to", f"runbook section {difference.go_to}"),
        ]
    return [("why", scenario.reason)] if scenario.reason else []


def _sections(run: Run) -> Table:
    table = Table.grid(padding=(0, 2))
    counted: dict[str, Counter[Outcome]] = {}
    for scenario in run.scenarios:
        counted.setdefault(scenario.section, Counter())[scenario.outcome] += 1
    for section in sorted(counted, key=section_order):
        parts = [
            (f"{SIGNS[outcome]} {counted[section][outcome]} {outcome}  ", STYLES[outcome])
            for outcome in Outcome
            if counted[section][outcome]
        ]
        table.add_row(Text(section, "bold"), Text.assemble(*parts))
    return table
