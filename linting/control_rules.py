"""Rules of the table of controls: every section has one, every one is of a framework, and none claims too much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from linting.finding import Finding, line_of
from runbook.suite import controls
from runbook.suite.controls import ControlsError
from runbook.suite.features import Chapter


def findings(chapters: Iterable[Chapter], table: Path) -> Iterator[Finding]:
    """All that is wrong with the table of controls, for these chapters."""
    try:
        known = controls.load(table)
    except ControlsError as error:
        yield Finding(table, 1, error.what, "a table of controls")
        return
    for chapter in chapters:
        for section in chapter.sections:
            if section.number and not known.of(section.number):
                yield Finding(
                    chapter.path,
                    section.line,
                    f"section {section.number} has no control",
                    f"a line in {table.name}: the controls that it supports evidence for",
                )
    for identifier in known.unknown():
        line = line_of(table, rf'.*"{re.escape(identifier)}"')
        yield Finding(
            table,
            line,
            f"the control {identifier} is unknown",
            "one of those that the table names and its framework has",
        )
    for number, identifier in known.overstated():
        yield Finding(
            table,
            line_of(table, rf'"{re.escape(number)}" = .*"{re.escape(identifier)}"'),
            f"section {number} names {identifier}, of which no scenario covers anything",
            "only controls that a scenario can support evidence for",
        )
