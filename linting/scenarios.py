"""Rules of the features alone: names, tags and outlines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from linting.finding import Finding
from runbook.model.record import SEVERITIES
from runbook.model.renamed import old_tags
from runbook.suite.features import TAG, Scenario, depended_on

TAGGED = (
    ("section", "sections", lambda tag: tag.startswith("rb-"), "one tag such as @rb-6.3, on its rule"),
    ("kind", "kinds", lambda tag: tag in ("check", "drill"), "one of @check and @drill, on its rule"),
    ("severity", "severities", lambda tag: tag in SEVERITIES, f"one of {', '.join(f'@{one}' for one in SEVERITIES)}"),
)


def findings(scenarios: Sequence[Scenario]) -> Iterator[Finding]:
    """All that is wrong with these scenarios, whatever their sentences mean."""
    yield from _names(scenarios)
    ids = {one.id for one in scenarios}
    for scenario in scenarios:
        yield from _tags(scenario, ids)
        if not scenario.sentences:
            yield _at(scenario, "says nothing", "at least one sentence")
        if scenario.rows == ():
            yield _at(scenario, "is an outline without rows, which never runs", "Examples with at least one row")


def _names(scenarios: Iterable[Scenario]) -> Iterator[Finding]:
    """Of two scenarios with one name in a feature pytest-bdd would keep only the later."""
    first: dict[str, Scenario] = {}
    for scenario in scenarios:
        other = first.setdefault(scenario.id, scenario)
        if other is not scenario:
            where = f"{other.path.name}:{other.line}"
            yield _at(scenario, f"has the name of the one at {where}", "a name that no other scenario has")


def _tags(scenario: Scenario, ids: set[str]) -> Iterator[Finding]:
    for what, several, fits, expected in TAGGED:
        count = sum(map(fits, scenario.tags))
        if count != 1:
            yield _at(scenario, f"has {count} {several}" if count else f"has no {what}", expected)
    today = dict(old_tags(scenario.tags))
    for one in sorted(tag for tag in scenario.tags if not TAG.fullmatch(tag)):
        expected = f"@{today[one]}, as it is called now" if one in today else "one of the tags in CONTRIBUTING.md"
        yield _at(scenario, f"has the unknown tag @{one}", expected)
    needed = {needed for tag in scenario.tags if (needed := depended_on(tag)[1])}
    for one in sorted(needed - (ids - {scenario.id})):
        yield _at(scenario, f"depends on {one}, which is not another scenario", "the id of one: its name in lower case")


def _at(scenario: Scenario, what: str, expected: str) -> Finding:
    return Finding(scenario.path, scenario.line, f"the scenario “{scenario.name}” {what}", expected)
