"""What a run says to GitHub Actions: annotations, and the summary of the job.

Actions takes a line of output that begins with ``::`` for a command. Nothing that a server said may become one: all
output stands between `commands_stopped` and its token, and what goes into a command or a summary is escaped here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from reporting import run_summary
from reporting.untrusted_text import excerpt, visible
from runbook.model.outcome import SIGNS, Outcome
from runbook.model.record import Run, Scenario
from runbook.model.verdict import causes_with_consequences, gating, overridden

Level = Literal["error", "warning", "notice"]

MOST_OF_A_LEVEL = 10
"""Annotations of one level that Actions shows of a step; it drops the others without a word."""

LARGEST_SUMMARY_BYTES = 1024 * 1024
"""What a step's summary may have; Actions shows nothing of a larger one."""

LONGEST_SAID = 1000
NOTE = "\nMore than a summary may hold: the rest is in the report.\n"
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#!|~@&:$])")


@contextmanager
def commands_stopped(stream: TextIO) -> Iterator[None]:
    """Nothing that is printed meanwhile is a command: who does not know the token cannot end this."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", file=stream, flush=True)
    try:
        yield
    finally:
        print(f"\n::{token}::", file=stream, flush=True)


def annotation_lines(run: Run) -> Iterator[str]:
    """Commands, worst first: an error blocks, a warning was let through, a notice decides nothing."""
    blocking, let_through, beside = blocks(run), overridden(run), besides(run)
    if run.exit_code and not blocking:
        yield _command("error", run.kind, f"{run.server.name}: {run_summary.verdict(run)}, exit {run.exit_code}")
    by = f"let through by {run.override.by}: {run.override.reason}" if run.override else ""
    yield from _annotated("error", blocking)
    yield from _annotated("warning", let_through, by)
    yield from _annotated("notice", beside, "This is informational and does not block.")


def summary(run: Run, *, room_bytes: int = LARGEST_SUMMARY_BYTES) -> str:
    """The run in Markdown, in at most so many bytes."""
    text = ""
    for block in _blocks_of_summary(run):
        if len((text + block + NOTE).encode()) > room_bytes:
            return text + NOTE if len((text + NOTE).encode()) <= room_bytes else text
        text += block
    return text


def append_summary(run: Run, path: Path) -> None:
    """Append the run to the job's summary, as far as there is room in it.

    Raises:
        OSError: It cannot be written.
    """
    there = path.stat().st_size if path.exists() else 0
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(summary(run, room_bytes=LARGEST_SUMMARY_BYTES - there))


def blocks(run: Run) -> tuple[Scenario, ...]:
    """What stands in the way, causes before what follows from them."""
    let_through = {one.id for one in overridden(run)}
    deciding = {one.id for one in gating(run)} - let_through
    return tuple(one for one in _open(run) if one.id in deciding)


def besides(run: Run) -> tuple[Scenario, ...]:
    """What is amiss and does not decide."""
    deciding = {one.id for one in gating(run)}
    return tuple(one for one in _open(run) if one.id not in deciding)


def escape_data(text: str) -> str:
    """Text as the message of a command: on one line, whatever it holds."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Text as a property of a command."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _open(run: Run) -> list[Scenario]:
    """All that failed or could not be told, each once."""
    found: dict[str, Scenario] = {}
    for cause, following in causes_with_consequences(run):
        for one in (cause, *following):
            found.setdefault(one.id, one)
    return [one for one in found.values() if one.outcome in (Outcome.FAILED, Outcome.UNDETERMINED)]


def _annotated(level: Level, scenarios: Sequence[Scenario], more: str = "") -> Iterator[str]:
    shown = scenarios if len(scenarios) <= MOST_OF_A_LEVEL else scenarios[: MOST_OF_A_LEVEL - 1]
    for one in shown:
        message = "\n".join(filter(None, (_said(one), more)))
        yield _command(level, f"{one.section} {one.name}", message, file=one.file, line=str(one.line))
    if left_out := scenarios[len(shown) :]:
        yield _command(level, f"{len(left_out)} more", ", ".join(one.name for one in left_out))


def _command(level: Level, title: str, message: str, **where: str) -> str:
    properties = ",".join(f"{name}={escape_property(value)}" for name, value in {"title": title, **where}.items())
    return f"::{level} {properties}::{escape_data(message)}"


def _said(scenario: Scenario) -> str:
    """Expected, seen and where to go; or why it could not be told."""
    difference = run_summary.difference(scenario)
    if difference is None:
        return _short(scenario.reason or "no reason was given")
    return "\n".join(
        (
            f"expected: {_short(difference.expected)}",
            f"seen: {_short(difference.seen)}",
            f"go to: runbook section {difference.go_to}",
        )
    )


def _short(text: str) -> str:
    part = excerpt(text, LONGEST_SAID)
    return f"{part.head} … {part.left_out} characters left out … {part.tail}" if part.left_out else text


def _blocks_of_summary(run: Run) -> Iterator[str]:
    seconds = (run.ended - run.started).total_seconds()
    counts = ", ".join(f"{count} {outcome}" for outcome, count in run.counts().items() if count) or "nothing was run"
    yield f"## {_plain(run.server.name)}: {_plain(run_summary.verdict(run))}\n\n"
    yield f"{counts} · {seconds:.1f} s · exit {run.exit_code} · {_plain(run.id)}\n\n"
    if run.override:
        yield f"Override by {_plain(run.override.by)}:\n\n{_fenced(_short(run.override.reason))}"
    yield from _listed("What blocks", blocks(run))
    yield from _listed("Failed and let through", overridden(run))
    yield from _listed("Informational, does not block", besides(run))
    if gating(run):
        yield "### What decided\n\n| | section | scenario |\n|---|---|---|\n"
    for one in gating(run):
        yield f"| {SIGNS[one.outcome]} {one.outcome} | {_plain(one.section)} | {_plain(one.name)} |\n"


def _listed(title: str, scenarios: Sequence[Scenario]) -> Iterator[str]:
    if scenarios:
        yield f"### {title}\n\n"
    for one in scenarios:
        yield f"**{_plain(one.section)} {_plain(one.name)}** ({one.severity}, {one.outcome})\n\n{_fenced(_said(one))}"


def _fenced(text: str) -> str:
    """A block of Markdown that shows the text as it is: no run of backticks in it is as long as its fence."""
    shown = visible(text)
    fence = "`" * (max(2, *(len(run) for run in re.findall("`+", shown)), 2) + 1)
    return f"{fence}text\n{shown}\n{fence}\n\n"


def _plain(text: str) -> str:
    """Words on one line of Markdown that mean nothing but themselves."""
    return _SPECIAL.sub(r"\\\1", " ".join(visible(text).split()))
