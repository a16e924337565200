"""``runbook show``: what the runbook says, section by section, with the exact commands. No server is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runbook import exits, features
from runbook.exits import WrongUse
from runbook.features import Chapter, Section, section_order

NEAREST = 3

MaybeServer = Annotated[
    str | None,
    Parameter(name="--target", env_var="RUNBOOK_TARGET", help="The server whose names are to stand in the commands."),
]


def show(
    section: Annotated[
        str | None,
        Parameter(
            help="A section of the runbook, such as 3.4, a chapter, such as 3, or a scenario by its id, "
            "such as every-disk-has-room."
        ),
    ] = None,
    /,
    *,
    target: MaybeServer = None,
    where: Annotated[
        bool,
        Parameter(
            negative=(), help="Print for each sentence the file and line of its step, and of the checks it rests on."
        ),
    ] = False,
) -> int:
    """Print a section: its scenarios, their sentences, and the exact commands; without one the table of contents.

    It works offline: no server is asked anything. With a target its names stand in the commands; what only the server
    itself can tell stands as <name>.

    With --where the code stands in place of the commands: `runbook show 6.3 --where` leads from each sentence to the
    step that says what it means, and to the check that observes for it.
    """
    chapters = features.read()
    if section is None:
        if where:
            raise WrongUse("--where needs a section or the id of a scenario, as in `runbook show 6.3 --where`")
        _contents(Console(highlight=False), chapters)
        return exits.COMPLIANT
    wanted = chosen(section, chapters)
    if where:
        from commands import where as places  # with it come pytest and all checks, as below

        places.show(wanted)
        return exits.COMPLIANT
    from commands import (
        section as showing,  # with it come pytest and all checks, which a table of contents can do without
    )

    showing.show(wanted, target)
    return exits.COMPLIANT


def chosen(number: str, chapters: Iterable[Chapter]) -> tuple[Section, ...]:
    """The section of this number, or all those of the chapter; of a scenario's id its section with it alone.

    Raises:
        WrongUse: There is none; the sentence names the nearest.
    """
    sections = [section for chapter in chapters for section in chapter.sections]
    found = tuple(one for one in sections if one.number == number or one.number.startswith(f"{number}."))
    found = found or tuple(
        replace(section, scenarios=(scenario,))
        for section in sections
        for scenario in section.scenarios
        if scenario.id == number
    )
    if not found:
        listed = ", ".join(f"{one.number} {one.title}" for one in _nearest(number, sections))
        raise WrongUse(f"the features have no section {number}; the nearest are {listed} (`runbook show` lists all)")
    return found


def _nearest(number: str, sections: Iterable[Section]) -> Sequence[Section]:
    """Those whose title has the word, else those whose number is close."""

    def distance(section: Section) -> tuple[bool, list[int]]:
        there, here = (*section_order(section.number), 0, 0)[:2], (*section_order(number), 0, 0)[:2]
        return number.lower() not in section.title.lower(), [
            abs(one - other) for one, other in zip(here, there, strict=True)
        ]

    by_number = {one.number: one for one in sections}
    return sorted(by_number.values(), key=distance)[:NEAREST]


def _contents(console: Console, chapters: Iterable[Chapter]) -> None:
    table = Table.grid(padding=(0, 2))
    listed = tuple(chapters)
    for chapter in listed:
        number, _, title = chapter.title.partition(". ")
        table.add_row(Text(number, "bold"), Text(title, "bold"), "")
        for section in sorted(chapter.sections, key=lambda one: section_order(one.number)):
            table.add_row(section.number, section.title, _counted(section))
    console.print(table)
    sections = {section.number for chapter in listed for section in chapter.sections}
    console.print(
        f"{len(features.scenarios_of(listed))} scenarios in {len(sections)} sections; `runbook show 3.4` shows one."
    )


def _counted(section: Section) -> str:
    drills = sum(one.is_drill for one in section.scenarios)
    kinds = {"check": len(section.scenarios) - drills, "drill": drills}
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items() if count)
