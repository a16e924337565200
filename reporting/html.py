"""A run as one self-contained HTML file: the verdict first, then what to do, then every sentence and its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import jinja2
from markupsafe import Markup

from reporting import reading
from reporting.controls import frameworks
from reporting.foreign import excerpt, visible
from reporting.timeline import picture
from runbook import exits
from runbook.outcome import SIGNS, Outcome
from runbook.record import Exchange, Run, Scenario

LONGEST_SHOWN = 4096
"""Characters of one answer that the report shows; the record keeps more."""

SIGNS_OR_NOT_REACHED = dict[Outcome | None, str]([*SIGNS.items(), (None, "·")])
EXITS: Mapping[int, str] = {
    exits.COMPLIANT: "nothing failed",
    exits.FAILED: "something failed",
    exits.WRONG_USE: "wrong use, or nothing was run",
    exits.UNDETERMINED: "something could not be told",
    exits.REFUSED: "refused",
    exits.OWN_FAULT: "the suite's own fault",
    exits.INTERRUPTED: "interrupted",
}
TONES: Mapping[str, str] = {
    "as the runbook says": Outcome.PASSED,
    "not as the runbook says": Outcome.FAILED,
    "safe to deploy": Outcome.PASSED,
    "not safe to deploy": Outcome.FAILED,
}


def render(run: Run) -> str:
    """The HTML document."""
    sections = reading.sections(run)
    return _TEMPLATE.render(
        run=run,
        verdict=reading.verdict(run),
        tone=TONES.get(reading.verdict(run), Outcome.UNDETERMINED),
        gaps=tuple(reading.gaps(run)),
        cautions=tuple(reading.cautions(run)),
        sections=sections,
        section_anchors={section.number: f"section-{place}" for place, section in enumerate(sections, 1)},
        frameworks=frameworks(run),
        anchors=_anchors(run.scenarios),
        rests_on=_rests_on(run.scenarios),
        exchanges={exchange.sequence: exchange for exchange in run.exchanges},
        deciding={id(scenario) for scenario in run.deciding()},
    )


def _anchors(scenarios: Sequence[Scenario]) -> dict[int, str]:
    """Where each scenario stands in the page: by its place in the record, whatever it is called."""
    return {id(scenario): f"scenario-{number}" for number, scenario in enumerate(scenarios, 1)}


def _rests_on(scenarios: Sequence[Scenario]) -> dict[int, list[Scenario]]:
    """For each exchange the scenarios that rest on it."""
    found: dict[int, list[Scenario]] = {}
    for scenario in scenarios:
        for sequence in sorted({one for step in scenario.steps for one in step.evidence}):
            found.setdefault(sequence, []).append(scenario)
    return found


def _by_question(evidence: Sequence[int], exchanges: Mapping[int, Exchange]) -> dict[str, list[int]]:
    """The exchanges of a sentence, those of one question together."""
    found: dict[str, list[int]] = {}
    for sequence in evidence:
        if sequence in exchanges:
            found.setdefault(exchanges[sequence].question, []).append(sequence)
    return found


def _readable(moment: datetime) -> str:
    """A moment in UTC, in words that are the same in every locale."""
    return format_datetime(moment.astimezone(UTC)).replace("+0000", "UTC")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _duration(seconds: float) -> str:
    """``30 ms``, ``1.24 s`` or ``2 min 5 s``."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def _shown(value: object) -> object:
    """Every value on its way into the page: what is foreign cannot hide or reorder anything there."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template() -> jinja2.Template:
    page = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.globals.update(
        signs=SIGNS_OR_NOT_REACHED,
        exit_meanings=EXITS,
        excerpt=lambda text: excerpt(text, LONGEST_SHOWN),
        difference=reading.difference,
        clock=reading.clock,
        by_question=_by_question,
        picture=picture,
        id=id,
    )
    page.filters.update(readable=_readable, iso=_iso, duration=_duration)
    return page.get_template("report.html.j2")


_TEMPLATE = _template()
