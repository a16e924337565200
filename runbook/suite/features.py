"""The features as they are written: chapters, sections, scenarios and sentences, each with its line.

pytest-bdd forgets what lint has to see (of two scenarios with one name only the last is left), and needs pytest; this
is read from the same parser beneath it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from gherkin.errors import CompositeParserException
from gherkin.parser import Parser
from gherkin.parser_types import Feature as ParsedFeature
from gherkin.parser_types import Scenario as ParsedScenario
from gherkin.parser_types import Step as ParsedStep
from gherkin.parser_types import Tag as ParsedTag

from runbook.model.exits import UsageError

FEATURES = Path(__file__).resolve().parents[2] / "features"

TAG = re.compile(
    r"rb-\d+(\.\d+)?|check|drill|drill-[a-z-]+|gate|critical|major|minor|manual|as-written|(depends-on|explained-by)-[a-z0-9-]+",
    re.ASCII,
)
"""What a tag may be: CONTRIBUTING.md says what each means."""

DEPENDS_ON, EXPLAINED_BY = TIES = "depends-on", "explained-by"
"""What a tag begins with that names another scenario by its id."""

Kind = Literal["given", "when", "then"]
KINDS: Mapping[str, Kind] = {"Context": "given", "Action": "when", "Outcome": "then"}
"""A sentence that begins with And or But is of the kind of the one before it."""


class Unreadable(UsageError):
    """A feature that is no Gherkin."""

    def __init__(self, path: Path, line: int, what: str, expected: str) -> None:
        super().__init__(f"{path}:{line}: {what}; expected {expected}")
        self.line, self.what, self.expected = line, what, expected


@dataclass(frozen=True)
class Sentence:
    """One sentence of a scenario; ``table`` is what stands below it, row by row."""

    keyword: str
    kind: Kind
    text: str
    line: int
    table: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        return f"{self.keyword} {self.text}"

    def about(self, row: Mapping[str, str]) -> Sentence:
        """The sentence with the values of an outline's row in it."""
        return replace(
            self,
            text=_filled(self.text, row),
            table=tuple(tuple(_filled(cell, row) for cell in one) for one in self.table),
        )


@dataclass(frozen=True)
class Scenario:
    """One scenario with the tags that hold for it, its rule's and its feature's among them.

    Attributes:
        rows: What an outline is filled with, row by row; None where it is none.
    """

    path: Path
    line: int
    name: str
    tags: frozenset[str]
    sentences: tuple[Sentence, ...]
    rows: tuple[Mapping[str, str], ...] | None = None

    @cached_property
    def id(self) -> str:
        """Its name in lower case, words joined by hyphens."""
        return scenario_id(self.name)

    @property
    def section(self) -> str:
        """The runbook's section that it belongs to."""
        return section_of(self.tags)

    @property
    def is_drill(self) -> bool:
        """Whether it may change the server."""
        return "drill" in self.tags

    def filled(self) -> Iterator[Sentence]:
        """Its sentences as they are read out: those of an outline once for each row."""
        for row in ({},) if self.rows is None else self.rows:
            yield from (one.about(row) for one in self.sentences)


@dataclass(frozen=True)
class Section:
    """One section of the runbook: a rule of a feature, or the scenarios of one that has no rules."""

    number: str
    title: str
    line: int
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True)
class Chapter:
    """One feature file."""

    path: Path
    title: str
    sections: tuple[Section, ...]


def read(folder: Path = FEATURES) -> tuple[Chapter, ...]:
    """Every feature in the folder, in the order of the files' names.

    Raises:
        Unreadable: One is no Gherkin.
    """
    return tuple(read_feature(path) for path in sorted(folder.rglob("*.feature")))


def read_feature(path: Path) -> Chapter:
    """One feature.

    Raises:
        Unreadable: It is no Gherkin.
    """
    try:
        feature = Parser().parse(path.read_text(encoding="utf-8")).get("feature")
    except CompositeParserException as error:
        first = error.errors[0]
        said = str(first).partition(": ")[2]
        raise Unreadable(path, first.location["line"], f"this is not Gherkin ({said})", "a feature") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(path, 1, f"it cannot be read ({error})", "a feature") from None
    if feature is None:
        raise Unreadable(path, 1, "it is empty", "a feature")
    return Chapter(path, feature["name"], tuple(_sections(feature, path)))


def scenarios_of(chapters: Iterable[Chapter]) -> tuple[Scenario, ...]:
    """All scenarios, in the features' order."""
    return tuple(one for chapter in chapters for section in chapter.sections for one in section.scenarios)


def scenario_id(name: str) -> str:
    """A scenario's id: its name in lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def depended_on(tag: str) -> tuple[str, str]:
    """How a tag ties its scenario to another, and that one's id; two empty words where it ties it to none."""
    tie = next((one for one in TIES if tag.startswith(f"{one}-")), "")
    return tie, tag.removeprefix(f"{tie}-") if tie else ""


def section_of(tags: Iterable[str]) -> str:
    """The runbook's section that a scenario's tags name; empty where they name none."""
    return next((tag.removeprefix("rb-") for tag in sorted(tags) if tag.startswith("rb-")), "")


def section_order(section: str) -> tuple[int, ...]:
    """Sorts sections as the runbook does: 2.1 before 10."""
    return tuple(int(number) for number in re.findall(r"[0-9]+", section))


def title_of(heading: str) -> str:
    """A heading without the number before it."""
    return re.sub(r"^[0-9.]+\s+", "", heading)


def _sections(feature: ParsedFeature, path: Path) -> Iterator[Section]:
    tags = _names(feature["tags"])
    children = list(feature["children"])
    before = _background(children)
    if loose := tuple(_scenarios(children, path, tags, before)):
        yield Section(loose[0].section, title_of(feature["name"]), feature["location"]["line"], loose)
    for rule in _of_kind(children, "rule"):
        inner = tags | _names(rule["tags"])
        steps = [*before, *_background(rule["children"])]
        scenarios = tuple(_scenarios(rule["children"], path, inner, steps))
        yield Section(section_of(inner), title_of(rule["name"]), rule["location"]["line"], scenarios)


def _background(children: Iterable[Any]) -> list[ParsedStep]:
    return [step for one in _of_kind(children, "background") for step in one["steps"]]


def _scenarios(
    children: Iterable[Any], path: Path, above: frozenset[str], before: list[ParsedStep]
) -> Iterator[Scenario]:
    return (_scenario(one, path, above, before) for one in _of_kind(children, "scenario"))


def _of_kind(children: Iterable[Any], kind: Literal["background", "scenario", "rule"]) -> Iterator[Any]:
    """Each child of this kind: gherkin's own types leave open which of the three a child holds."""
    return (child[kind] for child in children if kind in child)


def _scenario(parsed: ParsedScenario, path: Path, above: frozenset[str], before: list[ParsedStep]) -> Scenario:
    is_outline = bool(parsed["examples"]) or "utline" in parsed["keyword"] or "emplate" in parsed["keyword"]
    return Scenario(
        path=path,
        line=parsed["location"]["line"],
        name=parsed["name"],
        tags=above | _names(parsed["tags"]),
        sentences=tuple(_sentences([*before, *parsed["steps"]])),
        rows=tuple(_rows(parsed)) if is_outline else None,
    )


def _rows(parsed: ParsedScenario) -> Iterator[Mapping[str, str]]:
    for examples in parsed["examples"]:
        header = examples["tableHeader"]
        names = [cell["value"] for cell in header["cells"]] if header else []
        for row in examples["tableBody"]:
            yield dict(zip(names, (cell["value"] for cell in row["cells"]), strict=False))


def _sentences(steps: Iterable[ParsedStep]) -> Iterator[Sentence]:
    kind: Kind = "given"
    for step in steps:
        kind = KINDS.get(step["keywordType"], kind)
        table = step.get("dataTable")
        yield Sentence(
            keyword=step["keyword"].strip(),
            kind=kind,
            text=step["text"],
            line=step["location"]["line"],
            table=tuple(tuple(cell["value"] for cell in row["cells"]) for row in table["rows"]) if table else (),
        )


def _names(tags: Iterable[ParsedTag]) -> frozenset[str]:
    return frozenset(tag["name"].removeprefix("@") for tag in tags)


def _filled(text: str, row: Mapping[str, str]) -> str:
    return re.sub(r"<(.+?)>", lambda word: row.get(word[1], word[0]), text)
