"""``runbook coverage``: what the features account for: sections by scenarios and faults, the runbook line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from lab import faults
from runbook.model import exits
from runbook.suite import features
from runbook.suite.features import Scenario, section_order
from runbook.suite.terminal import clean
from traceability import runbook_lines, table
from traceability.matrix import Accounted, State, account

SIGNS = {State.BY_SCENARIOS: ("✓", "green"), State.ASIDE: ("–", "dim")}
UNSETTLED = ("✗", "bold red")
LONGEST = 90


def coverage(
    *,
    against: Annotated[
        Path | None,
        Parameter(help="The runbook in Markdown: check that each of its commands, rows and sentences is covered."),
    ] = None,
) -> int:
    """Print each section with its scenarios and the faults that make them fail; exit 1 where one is without.

    With a runbook, print by which scenario each of its lines is looked at or carried out, and which lines are new,
    changed or gone; exit 1 where one is not accounted for.
    """
    scenarios = features.scenarios_of(features.read())
    console = Console(highlight=False)
    if against is None:
        return _faults(console, scenarios)
    return _lines(console, account(runbook_lines.read(against), table.load(), {one.id for one in scenarios}), scenarios)


def _faults(console: Console, scenarios: Sequence[Scenario]) -> int:
    failing: dict[str, list[str]] = {}
    for name in faults.names():
        for scenario in faults.describe(name).fails:
            failing.setdefault(scenario, []).append(name)
    by_section: dict[str, list[Scenario]] = {entry.section: [] for entry in table.load() if entry.section}
    for one in scenarios:
        by_section.setdefault(one.section, []).append(one)
    elsewhere = _of_its_lines(scenarios)
    empty = 0
    for section in sorted(by_section, key=section_order):
        console.print(Text(section, "bold"))
        found = by_section[section] or elsewhere.get(section, [])
        if not found:
            console.print(Text("  no scenario", "bold red"))
            empty += 1
        for one in found:
            cell = _cell(one, failing)
            told = (cell, "dim") if cell else ("no fault makes it fail", "bold red")
            place = "" if one.section == section else f" of {one.section}"
            console.print(Text.assemble(f"  {one.id}{place}  ", told), soft_wrap=True)
            empty += not cell
    cells = f"{len(by_section)} sections, {len(scenarios)} scenarios, {len(faults.names())} faults"
    console.print(f"{cells}; {empty or 'no'} cell{'' if empty == 1 else 's'} empty")
    return exits.FAILED if empty else exits.COMPLIANT


def _of_its_lines(scenarios: Sequence[Scenario]) -> dict[str, list[Scenario]]:
    """The scenarios that account for a section's lines, whichever section they stand in."""
    by_id = {one.id: one for one in scenarios}
    found: dict[str, dict[str, Scenario]] = {}
    for entry in table.load():
        found.setdefault(entry.section, {}).update({one: by_id[one] for one in entry.by if one in by_id})
    return {section: list(named.values()) for section, named in found.items()}


def _cell(scenario: Scenario, failing: Mapping[str, Sequence[str]]) -> str:
    """The faults that make a scenario fail."""
    if scenario.is_drill:
        return "its own tests, in tests/lab"
    return ", ".join(failing.get(scenario.id, ()))


def _lines(console: Console, accounted: Sequence[Accounted], scenarios: Sequence[Scenario]) -> int:
    how = {one.id: _how(one) for one in scenarios}
    for one in accounted:
        sign, style = SIGNS.get(one.state, UNSETTLED)
        place = f"{one.section or '–':5} {f'line {one.line.number}' if one.line else 'gone':9}"
        said = one.line.text if one.line else one.entry.fact if one.entry else ""
        short = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
        console.print(Text.assemble((sign, style), f" {place} ", (clean(short), "bold")), soft_wrap=True)
        for why in _why(one, how):
            console.print(Text(f"      {why}", "dim" if one.settled else ""), soft_wrap=True)
    counted = Counter(one.state for one in accounted)
    console.print(", ".join(f"{counted[state]} {state}" for state in State if counted[state]), soft_wrap=True)
    left = sum(not one.settled for one in accounted)
    console.print(f"{left} of {len(accounted)} lines are not covered" if left else "every line is covered")
    return exits.FAILED if left else exits.COMPLIANT


def _how(scenario: Scenario) -> str:
    """What a scenario does with a line of the runbook."""
    if scenario.is_drill:
        return "carried out by"
    return "attested by" if "manual" in scenario.tags else "checked by"


def _why(one: Accounted, how: Mapping[str, str]) -> list[str]:
    match one:
        case Accounted(State.BY_SCENARIOS, _, entry) if entry:
            words = sorted({how[scenario] for scenario in entry.by})
            named = {word: ", ".join(scenario for scenario in entry.by if how[scenario] == word) for word in words}
            return ["; ".join(f"{word} {ids}" for word, ids in named.items())]
        case Accounted(State.ASIDE, _, entry) if entry:
            return [str(entry.aside)]
        case Accounted(State.NO_SCENARIO, _, _, missing) if missing:
            return [f"{', '.join(missing)} is not a scenario"]
        case Accounted(State.NEW, line) if line:
            return [f"new; its entry: {table.written(line)}"]
        case Accounted(State.CHANGED, line, entry) if line and entry:
            return [f"changed, was: {entry.fact or entry.aside or entry.kind}", f"its entry: {table.written(line)}"]
        case Accounted(State.GONE):
            return ["gone from the runbook"]
    return ["no scenario checks it or carries it out"]
