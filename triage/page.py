"""What triage prints: the line that tells what is seen from outside, then causes, each with the next command.

Whatever a server says is shown redacted, and without anything that could steer a terminal.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from rich.console import Console
from rich.text import Text

from checks.docker.container_history import Since
from checks.formats.ages import Ago
from runbook.model.outcome import SIGNS, Outcome
from runbook.model.port_state import PortState
from runbook.model.record import Run
from runbook.model.target import Target
from runbook.model.template import template_values
from runbook.suite.terminal import LONGEST_SEEN, STYLES, clean
from triage.causes import AT_MOST, NO_SSH, Cause, Findings
from triage.remedies import Remedy

NAMED_AT_MOST = 3
PASTE_HERE = "next, paste here:"
MORE_TO_READ = "for more detail, paste here:"


class Page:
    """One page of triage.

    Args:
        console: Where it goes.
        target: The server.
        given: What ``--target`` was given.
        redact: Takes secrets and addresses out of a text.
        now: The server's own time; None where it is not known.
    """

    def __init__(
        self, console: Console, target: Target, given: str, redact: Callable[[str], str], now: datetime | None
    ) -> None:
        self._console, self._target, self._given, self._redact, self._now = console, target, given, redact, now

    def show(self, run: Run, line: str | None, findings: Findings, port_state: PortState | None) -> None:
        """Print all of it."""
        self._line(Text(self._safe(line or ""), "bold"))
        for number, cause in enumerate(findings.causes[:AT_MOST], 1):
            self._cause(number, cause, port_state)
        more = findings.causes[AT_MOST:]
        if more:
            self._line(Text(f"\n{len(more)} more: {self._safe(', '.join(one.title for one in more))}"))
        for symptom in findings.symptoms:
            self._line(Text.assemble(("what users see: ", "dim"), self._safe(symptom)))
        if findings.still_open:
            count, names = len(findings.still_open), ", ".join(findings.still_open)
            self._line(Text(f"? still running when the time was up ({count}): {names}", "bold yellow"))
        self._verdict(run, findings)

    def _cause(self, number: int, cause: Cause, port_state: PortState | None) -> None:
        advice = cause.advice
        self._line(
            Text.assemble(
                f"\n{number}. ",
                (f"{SIGNS[cause.outcome]} {cause.outcome.upper()}", STYLES[cause.outcome]),
                "  ",
                (f"{cause.title}: ", "bold"),
                self._short(cause.seen),
                f" → runbook section {cause.section}",
            )
        )
        if cause.out_of_reach:
            self._fact("what to do", NO_SSH.get(port_state or PortState.FAILED, NO_SSH[PortState.FAILED]))
            self._command(MORE_TO_READ, ssh(self._target, "uptime", "-v"))
        elif advice is None:
            self._command(MORE_TO_READ, f"runbook show {cause.section} --target {shlex.quote(self._given)}")
        else:
            self._fact("since", self._since(cause))
            said = cause.last_line
            if advice.thing:
                told = f"{advice.thing}{self._ago(said.at)}: {said.text}" if said else "could not be read"
                self._fact("last log line", self._short(told))
            if advice.beside:
                self._fact("note first", advice.beside)
            self._command(PASTE_HERE if advice.heals else MORE_TO_READ, pasted(self._target, advice.remedy))
        for sentence in _consequences(cause):
            self._fact("with it", sentence)

    def _since(self, cause: Cause) -> str:
        advice = cause.advice
        if advice is not None and advice.since is not None:
            or_before = "" if advice.since.exact else " or before"
            return f"{self._moment(advice.since)}{or_before}, {advice.by}"
        started = cause.lived.started if cause.lived else None
        runs = f"; {advice.thing} was started at {self._moment(Since(started, True))}" if advice and started else ""
        return f"unknown{runs}"

    def _moment(self, since: Since) -> str:
        return f"{since.at.astimezone():%Y-%m-%d %H:%M:%S %z}{self._ago(since.at)}"

    def _ago(self, at: datetime | None) -> str:
        return f" ({ago(self._now - at)})" if at and self._now else ""

    def _verdict(self, run: Run, findings: Findings) -> None:
        failed = sum(one.outcome is Outcome.FAILED for one in run.scenarios)
        word, style = "as the runbook says", STYLES[Outcome.PASSED]
        if findings.causes or findings.still_open:
            outcome = Outcome.FAILED if failed else Outcome.UNDETERMINED
            word, style = "broken" if failed else "could not be determined", STYLES[outcome]
        seconds = (run.ended - run.started).total_seconds()
        self._console.print()
        self._line(
            Text.assemble(
                (f"{run.server.name}: {word}", style),
                f" · {findings.passed} of {len(run.scenarios)} critical scenarios of sections 2 and 3 hold"
                f" · {seconds:.1f} s · exit {run.exit_code}",
            )
        )

    def _fact(self, name: str, what: str) -> None:
        self._line(Text.assemble((f"    {name}: ", "dim"), self._safe(what)))

    def _command(self, what: str, command: str) -> None:
        self._line(Text(f"    {what}", "dim"))
        self._line(Text(clean(command), "cyan"))

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)

    def _short(self, text: str) -> str:
        safe = self._safe(text)
        return safe if len(safe) <= LONGEST_SEEN else f"{safe[:LONGEST_SEEN]} …"

    def _safe(self, text: str) -> str:
        """On one line: nothing that a server says can stand where a command to paste stands."""
        return clean(" ".join(self._redact(text).splitlines()))


def pasted(target: Target, remedy: Remedy) -> str:
    """The remedy as one command for the shell of whoever reads this."""
    return ssh(target, remedy.render(template_values(target)))


def ssh(target: Target, script: str, *options: str) -> str:
    """A shell text for the server as a command for the shell here, by the way that the target names."""
    way = target.ssh
    there = f"{way.become} sh -c {shlex.quote(script)}" if way.become else script
    if way.local:
        return there
    config = ["-F", str(way.config)] if way.config else []
    account = f"{way.user}@{target.address}" if way.user else target.address
    return shlex.join(["ssh", *options, *config, "-p", str(way.port), account, there])


def ago(time: timedelta) -> str:
    """How long ago, in one unit."""
    ahead = Ago(time.total_seconds()).in_future
    seconds = round(abs(time.total_seconds())) if ahead else max(0, round(time.total_seconds()))
    when = "ahead of the clock" if ahead else "ago"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} {when}"
    return f"{seconds} s {when}"


def _consequences(cause: Cause) -> Iterator[str]:
    if cause.with_it:
        named = ", ".join(cause.with_it[:NAMED_AT_MOST])
        yield f"{len(cause.with_it)} more fail{'s' if len(cause.with_it) == 1 else ''}: {named}"
    if cause.folded:
        yield f"{cause.folded} more could not be determined because of it"
