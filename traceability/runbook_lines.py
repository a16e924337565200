"""The operator's runbook as lines that have to be accounted for: commands, rows of tables, sentences.

Nothing between its headings is passed over, so that no line can hide in a form that nobody thought of.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from runbook.model.exits import UsageError

Kind = Literal["command", "remark", "answer", "row", "sentence"]
SHELLS = ("", "bash", "console", "sh", "shell")
DIGEST_DIGITS = 16
HIGHEST = 2
"""Headings down to this level begin a chapter; the document's title is none and has no number."""

_NUMBERED = re.compile(r"([0-9]+(?:\.[0-9]+)*)\.?\s")


@dataclass(frozen=True)
class Line:
    """One line of the runbook.

    Attributes:
        section: Its section's number; empty above the first.
        kind: A command, a remark among commands, a line of an answer that is shown, a table's row, a sentence.
        text: As it stands there, white space and width of characters made even.
        number: Where it begins in the file.
    """

    section: str
    kind: Kind
    text: str
    number: int

    @property
    def digest(self) -> str:
        """What the line is known by where its text is not kept."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:DIGEST_DIGITS]


def read(path: Path) -> tuple[Line, ...]:
    """The lines of a runbook in Markdown.

    Raises:
        UsageError: It cannot be read, or has no numbered section.
    """
    try:
        lines = tuple(lines_of(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); expected a runbook in Markdown") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not text ({error.reason}); expected a runbook in Markdown") from None
    if not any(line.section for line in lines):
        raise UsageError(f"{path}: has no numbered section with a line in it; expected a runbook in Markdown")
    return lines


def lines_of(text: str) -> Iterator[Line]:
    """Every line between the headings of a text in Markdown; the heads of tables are none."""
    above = _Above()
    cells: list[str] = []
    opened = ""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        begins = token.map[0] + 1 if token.map else 0
        match token.type, opened:
            case "inline", "heading_open":
                above.heading(token.content)
            case "inline", "td_open":
                cells.append(token.content)
            case ("inline", "paragraph_open") | ("html_block", _):
                yield from _sentences(above.section, token.content, begins)
            case (("fence" | "code_block"), _):
                yield from _of_fence(above.section, token, begins)
            case "tr_open", _:
                cells, row = [], begins
            case "tr_close", _ if cells:
                yield Line(above.section, "row", even(" | ".join(cells)), row)
            case "heading_open", _:
                above.level = int(token.tag.removeprefix("h"))
        opened = token.type


def even(text: str) -> str:
    """A text with its white space and the width of its characters made even, so that only its words tell."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


@dataclass
class _Above:
    """The headings above a line. One without a number belongs to the chapter that it stands in."""

    chapter: str = ""
    section: str = ""
    level: int = 0

    def heading(self, text: str) -> None:
        numbered = _NUMBERED.match(f"{text} ")
        is_chapter = self.level <= HIGHEST
        self.section = numbered[1] if numbered else "" if is_chapter else self.chapter
        if is_chapter:
            self.chapter = self.section


def _sentences(section: str, text: str, begins: int) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), begins):
        if said := even(line):
            yield Line(section, "sentence", said, number)


def _of_fence(section: str, token: Token, begins: int) -> Iterator[Line]:
    """The lines of a block of code: commands, where it is a shell's, each whole over all the lines that it takes."""
    shell = token.info.split(" ")[0] in SHELLS
    first = begins + (token.type == "fence")
    lines = [one.strip() for one in token.content.splitlines()]
    whole, since = "", first
    for number, line in enumerate(lines, first):
        whole, since = (f"{whole} {line}", since) if whole else (line, number)
        if shell and whole.endswith("\\") and number < first + len(lines) - 1:
            whole = whole[:-1]
            continue
        if re.search(r"\w", whole):
            kind: Kind = "answer" if not shell else "remark" if whole.startswith("#") else "command"
            yield Line(section, kind, even(whole), since)
        whole = ""
