"""A run as one self-contained HTML file: the verdict first, then what to do, then every sentence and its evidence."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import jinja2
from markupsafe import Markup

from reporting import run_summary
from reporting.controls import frameworks
from reporting.run_summary import Section
from reporting.timeline_chart import picture
from reporting.untrusted_text import excerpt, visible
from runbook.model import exits
from runbook.model.changes import Change, ChangeKind, Changes
from runbook.model.outcome import SIGNS, Outcome
from runbook.model.record import SEVERITIES, Control, Exchange, Run, Scenario, Severity, Verdict
from runbook.model.verdict import causes_with_consequences, gating

LONGEST_SHOWN = 4096
"""Characters of one answer that the report shows; the record keeps more."""

SIGNS_OR_NOT_REACHED = dict[Outcome | None, str]([*SIGNS.items(), (None, "·")])
EXITS: Mapping[int, str] = {
    exits.COMPLIANT: "nothing failed",
    exits.FAILED: "something failed",
    exits.WRONG_USE: "usage error, or nothing was run",
    exits.UNDETERMINED: "something could not be determined",
    exits.REFUSED: "refused",
    exits.INTERNAL_ERROR: "an internal error of the suite",
    exits.INTERRUPTED: "interrupted",
}
TONES: Mapping[Verdict, Outcome] = {
    Verdict.AS_IT_SAYS: Outcome.PASSED,
    Verdict.NOT_AS_IT_SAYS: Outcome.FAILED,
    Verdict.SAFE: Outcome.PASSED,
    Verdict.NOT_SAFE: Outcome.FAILED,
}
LARGE = 1000
"""Scenarios of a run from which on a browser had better not lay out all of the page at once."""

SHOWN_OF_A_KIND = 8
TONES_OF_CHANGES: Mapping[ChangeKind, str] = {
    "newly failing": "failed",
    "newly undetermined": "undetermined",
    "healed": "passed",
    "still failing": "failed",
    "still undetermined": "undetermined",
}


def _own(name: str) -> str:
    """A text that goes into every page as it is."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


STYLE, SCRIPT = _own("report.css"), _own("report.js")
POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; base-uri 'none'; form-action 'none'"
)
"""What a browser may do with the page: apply that style, run that script, and load nothing."""


@dataclass(frozen=True)
class Group:
    """The changes of one kind: those that are shown, and those that are folded under them."""

    kind: ChangeKind
    tone: str
    shown: Sequence[Change]
    folded: Sequence[Change]

    @property
    def total(self) -> int:
        return len(self.shown) + len(self.folded)


def render(run: Run) -> str:
    """The HTML document."""
    sections = run_summary.sections(run)
    explained = causes_with_consequences(run)
    anchors = _anchors(run.scenarios)
    return _TEMPLATE.render(
        run=run,
        large=LARGE,
        policy=POLICY,
        style=Markup(STYLE),  # noqa: S704  (our own text, not foreign)
        script=Markup(SCRIPT),  # noqa: S704
        verdict=run_summary.verdict(run),
        tone=_tone(run),
        gaps=tuple(run_summary.gaps(run)),
        cautions=tuple(run_summary.cautions(run)),
        groups=tuple(_groups(run.changes, {one.id for _, following in explained for one in following})),
        amiss_since=_amiss_since(run.changes),
        explained=explained,
        sections=sections,
        renamed_since=run_summary.renamed_since(run),
        choices=_choices(sections),
        severities=_severities(run),
        section_anchors={section.number: f"section-{place}" for place, section in enumerate(sections, 1)},
        frameworks=frameworks(run),
        supports=_supports(run.controls),
        anchors=anchors,
        anchors_by_id={one.id: anchors[id(one)] for one in reversed(run.scenarios)},
        rests_on=_rests_on(run.scenarios),
        telling=_telling(run.scenarios),
        exchanges={exchange.sequence: exchange for exchange in run.exchanges},
        deciding={id(scenario) for scenario in gating(run)},
    )


def _tone(run: Run) -> str:
    """What the page looks like at a glance: it is not green where the suite broke."""
    tone = TONES.get(run_summary.verdict(run), Outcome.UNDETERMINED)
    return Outcome.UNDETERMINED if run.own_faults and tone == Outcome.PASSED else tone


def _groups(changes: Changes | None, following: Collection[str]) -> Iterator[Group]:
    """The changes by kind; of what follows from a cause, and of many, only the number is seen at once."""
    for kind, found in (changes.by_kind() if changes else {}).items():
        own = [one for one in found if one.id not in following]
        rest = [one for one in found if one.id in following]
        shown, folded = own[:SHOWN_OF_A_KIND], own[SHOWN_OF_A_KIND:] + rest
        yield Group(kind, TONES_OF_CHANGES.get(kind, "not-applicable"), shown, folded)


def _amiss_since(changes: Changes | None) -> dict[str, str]:
    """Of what is amiss, whether it is so since this run or longer."""
    found = {}
    for one in changes.scenarios if changes else ():
        if one.since is not None:
            found[one.id] = f"{one.kind} since {_day(one.since)}"
        elif one.kind in ("newly failing", "newly undetermined"):
            found[one.id] = one.kind
    return found


def _choices(sections: Sequence[Section]) -> dict[str, str]:
    """What can be chosen from: each section, and before them each chapter of more than one."""
    chapters = Counter(one.number.partition(".")[0] for one in sections)
    found: dict[str, str] = {}
    for one in sections:
        chapter = one.number.partition(".")[0]
        if chapters[chapter] > 1:
            found.setdefault(chapter, "the whole chapter")
        found[one.number] = one.title
    return found


def _severities(run: Run) -> dict[Severity, int]:
    """How many scenarios there are of each severity that occurs, worst first."""
    found = Counter(one.severity for one in run.scenarios)
    return {severity: found[severity] for severity in SEVERITIES if found[severity]}


def _supports(controls: Sequence[Control]) -> dict[str, str]:
    """For each section the controls that it supports evidence for, framework by framework."""
    by_section: dict[str, dict[str, list[str]]] = {}
    for control in controls:
        for section in control.sections:
            by_section.setdefault(section, {}).setdefault(control.framework, []).append(control.id)
    return {
        section: "; ".join(f"{framework}: {', '.join(ids)}" for framework, ids in found.items())
        for section, found in by_section.items()
    }


def _telling(scenarios: Sequence[Scenario]) -> set[int]:
    """The exchanges on which something rests that failed or could not be told."""
    amiss = [one for one in scenarios if one.outcome in (Outcome.FAILED, Outcome.UNDETERMINED)]
    return {sequence for one in amiss for step in one.steps for sequence in step.evidence}


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


def _day(moment: datetime) -> str:
    """``20 Feb 2026``, in UTC."""
    return " ".join(_readable(moment).split()[1:4])


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _duration(seconds: float) -> str:
    """``30 ms``, ``1.24 s`` or ``2 min 5 s``."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def _age(then: datetime, now: datetime) -> str:
    """How long ago ``then`` was at ``now``: ``3 days``, ``5 h`` or ``12 min``."""
    seconds = (now - then).total_seconds()
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.0f} days"
    return f"{seconds / 3600:.0f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} min"


def _shown(value: object) -> object:
    """Every value on its way into the page: what is foreign cannot hide or reorder anything there."""
    return visible(value) if type(value) is str else value  # what is of a kind of its own is ours: markup, outcomes


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
        difference=run_summary.difference,
        clock=run_summary.clock,
        by_question=_by_question,
        picture=picture,
        id=id,
    )
    page.filters.update(readable=_readable, iso=_iso, duration=_duration, age=_age, day=_day)
    return page.get_template("report.html.j2")


_TEMPLATE = _template()
