"""The documents say what is so: their links, commands, paths and code are those of this repository."""

from __future__ import annotations

import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from commands.main import app
from commands.pytest_runner import ROOT
from runbook.suite import features

README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DOCUMENTS = sorted([README, CONTRIBUTING, *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))

LINK = re.compile(r"\[[^\]]*\]\((?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"`([^`]+)`")
PATH_HERE = re.compile(r"\.?[a-z][\w.-]*(/[\w.*-]*)+")
MADE_LATER = {"reports/soak.jsonl"}

LONGEST_README = 120
LARGEST_PICTURE = 200_000
SCENARIOS = {one.id: one for one in features.scenarios_of(features.read())}


@dataclass(frozen=True)
class Fenced:
    """One fenced block: its language, and its lines without the indentation of the fence."""

    language: str
    text: str
    before: str
    """All that stands before it in its document."""


def fenced(text: str) -> Iterator[Fenced]:
    for found in FENCE.finditer(text):
        yield Fenced(found["language"], textwrap.dedent(found["text"]), text[: found.start()])


def prose(text: str) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub("", text)


def commands_of(document: Path) -> list[list[str]]:
    """Each command line of a document's shell blocks, as words and without its comment."""
    lines = [
        line.removeprefix("$ ")
        for one in fenced(document.read_text())
        if one.language in ("sh", "console")
        for line in one.text.splitlines()
        if one.language == "sh" or line.startswith("$ ")
    ]
    return [shlex.split(line, comments=True) for line in lines if "<<" not in line and line.count("'") != 1]


def runbook_commands(document: Path) -> list[list[str]]:
    """The arguments of each call of `runbook`."""
    return [words[1:] for words in commands_of(document) if words and words[0].split("/")[-1] == "runbook"]


def anchors(document: Path) -> set[str]:
    """The anchors that a heading gives, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


# Links, paths, commands


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for found in LINK.finditer(prose(document.read_text())):
        if found["path"].startswith("https://"):
            continue
        target = (document.parent / found["path"]).resolve() if found["path"] else document
        assert target.is_relative_to(ROOT), found[0]
        assert target.exists(), found[0]
        assert found["anchor"] is None or found["anchor"] in anchors(target), found[0]


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, new = {README}, {README}
    while new:
        linked = {
            (one.parent / found["path"]).resolve() for one in new for found in LINK.finditer(prose(one.read_text()))
        }
        new = {one for one in linked if one.suffix == ".md" and one.is_file()} - reached
        reached |= new
    assert set(DOCUMENTS) <= reached


@every_document
def test_every_command_of_a_block_is_one_that_there_is(document: Path) -> None:
    for words in runbook_commands(document):
        ours = words[: words.index("--")] if "--" in words else words
        _, bound, _ = app.parse_args(ours, print_error=False, exit_on_error=False)
        assert not [one for one in bound.args if str(one).startswith("-")], words


@every_document
def test_every_section_of_a_command_is_one_that_there_is(document: Path) -> None:
    sections = {one.section for one in SCENARIOS.values()}
    for words in runbook_commands(document):
        for option, value in pairwise(words):
            assert option != "--section" or value in sections | SCENARIOS.keys(), words


@every_document
def test_every_command_within_a_sentence_is_one_that_there_is(document: Path) -> None:
    for code in IN_LINE.findall(prose(document.read_text())):
        words = code.split()
        if words[0] == "runbook" and len(words) > 1:
            named, _, _ = app.parse_commands([one for one in words[1:] if not one.startswith("-")])
            assert named, code


@every_document
def test_whatever_is_made_is_a_target_of_the_makefile(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [*map(" ".join, commands_of(document)), *IN_LINE.findall(prose(document.read_text()))]
    named = {made for line in lines for made in re.findall(r"(?:^|&& )make ([a-z]+)", line)}
    assert named <= targets


def test_every_path_that_contributing_names_is_there() -> None:
    named = [one for one in IN_LINE.findall(prose(CONTRIBUTING.read_text())) if PATH_HERE.fullmatch(one)]
    assert len(named) > 10
    for one in {*named} - MADE_LATER:
        assert list(ROOT.glob(one.rstrip("/"))), one


# The README


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= LONGEST_README


def test_the_readme_has_three_doors() -> None:
    doors = README.read_text().partition("| You are |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (.+?) \| .*\[", doors, re.MULTILINE) == ["on call", "an auditor", "a contributor"]


def test_the_run_that_the_readme_shows_has_twelve_lines_and_names_a_scenario_of_today() -> None:
    (shown,) = [one.text for one in fenced(README.read_text()) if one.language == "console"]
    assert len([line for line in shown.splitlines()[1:] if line not in ("", "⋮")]) == 12
    failed = re.findall(r"^✗ FAILED  (\S+)  (.+)  \[(\w+)\]$", shown, re.MULTILINE)
    assert failed
    for section, name, severity in failed:
        (one,) = [scenario for scenario in SCENARIOS.values() if scenario.name == name]
        assert one.section == section
        assert severity in one.tags


def test_the_picture_of_the_readme_is_a_small_one() -> None:
    (path,) = re.findall(r"^!\[.+\]\((.+)\)$", README.read_text(), re.MULTILINE)
    picture = (ROOT / path).read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) < LARGEST_PICTURE


# Contributing


ONE_FACT = CONTRIBUTING.read_text().partition("## One fact, whole\n")[2].partition("\n## ")[0]
CODE = list(fenced(ONE_FACT))


def test_one_fact_is_there_whole() -> None:
    named = dict.fromkeys(file_of(one) for one in CODE)
    assert [path.parts[0] for path in named] == ["features", "steps", "checks", "tests", "lab"]


@pytest.mark.parametrize("block", CODE, ids=lambda one: one.text.splitlines()[0])
def test_its_code_is_that_of_the_file_that_is_named_before_it(block: Fenced) -> None:
    wanted = block.text.splitlines()
    lines = (ROOT / file_of(block)).read_text().splitlines()
    windows = (lines[at : at + len(wanted)] for at in range(len(lines) - len(wanted) + 1))
    assert any(textwrap.dedent("\n".join(one)).splitlines() == wanted for one in windows)


def file_of(block: Fenced) -> Path:
    """The file that is named last before a block."""
    named = [one for one in IN_LINE.findall(prose(block.before)) if re.fullmatch(r"[\w/-]+\.(feature|py)", one)]
    return Path(named[-1])


def test_the_picture_of_the_layers_is_what_lint_holds() -> None:
    (picture,) = [one.text for one in fenced(CONTRIBUTING.read_text()) if one.text.startswith("commands ")]
    drawn = [line.split("  ")[0] if line[0] != " " else line.strip() for line in picture.splitlines()]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {tuple(one.get("containers", [])): one["layers"] for one in contracts if one["type"] == "layers"}
    floors = [one.replace(" | ", ", ") for one in layers[()]]
    assert [one for one in drawn if one != "↓" and "→" not in one] == floors
    for package in ("checks", "runbook"):
        rooms = " → ".join(one.replace(" | ", ", ") for one in layers[(package,)])
        assert drawn[drawn.index(package) + 1] == rooms
