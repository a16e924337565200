"""Rule of the glossary: what it replaces stands in no feature, no message and no document."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from linting.finding import Finding

GLOSSARY = Path("docs/glossary.md")
ROW = re.compile(r"\| (?P<term>[^|]+?) \| (?P<meaning>[^|]+?) \| (?P<instead_of>[^|]*?) ?\|")
HELP = ("commands", "faults")
"""The folders whose docstrings are read by whoever runs a command."""


@dataclass(frozen=True)
class Term:
    """One row: the term, what it means in one line, and the words that it replaces."""

    name: str
    meaning: str
    instead_of: tuple[str, ...]


@dataclass(frozen=True)
class Passage:
    """A text that a person reads, and the line that it begins on."""

    path: Path
    line: int
    text: str


def read(path: Path) -> tuple[Term, ...]:
    """The rows of the glossary's table, without its head."""
    rows = [found for line in path.read_text(encoding="utf-8").splitlines() if (found := ROW.fullmatch(line))]
    return tuple(
        Term(row["term"], row["meaning"], tuple(filter(None, (word.strip() for word in row["instead_of"].split(",")))))
        for row in rows
        if row["term"] != "Term"
    )


def findings(root: Path) -> Iterator[Finding]:
    """Each word that the glossary replaces, in the features, messages and documents of this project."""
    try:
        terms = read(root / GLOSSARY)
    except (OSError, UnicodeDecodeError) as error:
        yield Finding(root / GLOSSARY, 1, f"the glossary cannot be read ({error})", "a table of terms")
        return
    replaced = {_folded(word): term for term in terms for word in term.instead_of}
    if not replaced:
        yield Finding(root / GLOSSARY, 1, "the glossary replaces nothing", "a table of terms")
        return
    longest_first = sorted(replaced, key=len, reverse=True)
    words = re.compile(rf"(?<![\w-])(?:{'|'.join(map(_pattern, longest_first))})(?![\w-])", re.IGNORECASE)
    for passage in _passages(root):
        for found in words.finditer(passage.text):
            line = passage.line + passage.text.count("\n", 0, found.start())
            term = replaced[_folded(found[0])]
            yield Finding(passage.path, line, f"“{_folded(found[0])}” is replaced by the glossary", f"“{term.name}”")


def _pattern(word: str) -> str:
    """A word as it may stand in a text: in any case, its parts on one line or two."""
    return r"\s+".join(map(re.escape, word.split()))


def _folded(word: str) -> str:
    return " ".join(word.lower().split())


def _passages(root: Path) -> Iterator[Passage]:
    for path in _read_whole(root):
        yield Passage(path, 1, path.read_text(encoding="utf-8"))
    for path in _modules(root):
        yield from _messages(path)


def _read_whole(root: Path) -> Iterator[Path]:
    """The features, the documents and the report's page."""
    yield from sorted((root / "features").rglob("*.feature"))
    yield from sorted(root.glob("*.md"))
    yield from (path for path in sorted((root / "docs").rglob("*.md")) if path != root / GLOSSARY)
    yield from sorted((root / "reports").glob("README.md"))
    yield from sorted((root / "reporting").rglob("*.j2"))


def _modules(root: Path) -> Iterator[Path]:
    """The modules of every package but the tests; what the lab's server runs is not ours to word."""
    for package in sorted(path.parent for path in root.glob("*/__init__.py")):
        if package.name != "tests":
            yield from (path for path in sorted(package.rglob("*.py")) if package / "psyfit" not in path.parents)


def _messages(path: Path) -> Iterator[Passage]:
    """The texts in a module that can reach a person, each f-string as one; a docstring only where it is a help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = set() if set(HELP) & set(path.parts) else {id(one) for one in _docstrings(tree)}
    parts = {id(part) for one in ast.walk(tree) if isinstance(one, ast.JoinedStr) for part in one.values}
    for one in ast.walk(tree):
        if isinstance(one, ast.JoinedStr):
            yield Passage(path, one.lineno, "".join(_texts(one.values)))
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in silent | parts:
            yield Passage(path, one.lineno, one.value)


def _texts(parts: Iterable[ast.expr]) -> Iterator[str]:
    for part in parts:
        yield part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "…"


def _docstrings(tree: ast.AST) -> Iterator[ast.expr]:
    """The texts that stand alone as a statement."""
    for one in ast.walk(tree):
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            yield one.value
