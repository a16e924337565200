"""What the glossary replaces is found in a copy of features, messages and documents, and nowhere in ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.pytest_runner import ROOT
from linting import glossary

TERMS = glossary.read(ROOT / glossary.GLOSSARY)
REPLACED = sorted((word, term.name) for term in TERMS for word in term.instead_of)
FEATURE = "Feature: 1. Access\n  # {word}\n"
MESSAGE = '''"""Said to nobody: {word}."""

def f(x: int) -> str:
    """Nor is this: {word}."""
    return f"{{x}}: " "here {first} " "{rest}, and {{x}} more"
'''
HELP = '''"""Shown by --help: {word}."""\n'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one feature, one document, one page, one module, and the glossary."""
    for folder in ("docs", "features", "checks/server", "commands", "reports", "reporting", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    for package in ("checks", "commands", "reporting", "tests"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / glossary.GLOSSARY).write_text((ROOT / glossary.GLOSSARY).read_text())
    return tmp_path


def found(project: Path) -> list[str]:
    return [one.one_line(project) for one in glossary.findings(project)]


def said(word: str, term: str, place: str) -> str:
    return f"{place}: “{word.lower()}” is replaced by the glossary; expected “{term}”"


def test_ours_has_none_of_the_words_that_it_replaces() -> None:
    assert found(ROOT) == []


def test_it_has_some_forty_terms_each_with_its_meaning_and_none_twice() -> None:
    assert len(TERMS) >= 40
    assert len({term.name.lower() for term in TERMS}) == len(TERMS)
    assert len({word.lower() for word, _ in REPLACED}) == len(REPLACED) >= 40
    assert all(term.meaning for term in TERMS)
    lines = (ROOT / glossary.GLOSSARY).read_text().splitlines()
    assert len(TERMS) == sum(line.startswith("| ") for line in lines) - 1, "every row is read"


@pytest.mark.parametrize(("word", "term"), REPLACED)
def test_each_replaced_word_is_found_wherever_a_person_would_read_it(project: Path, word: str, term: str) -> None:
    first, _, rest = word.rpartition(" ")
    (project / "features" / "01.feature").write_text(FEATURE.format(word=word.capitalize()))
    (project / "README.md").write_text(f"# Title\n\nOne {word.replace(' ', chr(10))}.\n")
    (project / "docs" / "more.md").write_text(f"{word.upper()}\n")
    (project / "reports" / "README.md").write_text(f"| {word} |\n")
    (project / "reporting" / "report.html.j2").write_text(f"<p>{word}</p>\n")
    (project / "checks" / "server" / "disk_space.py").write_text(
        MESSAGE.format(word=word, first=f"{first} " if first else "", rest=rest)
    )
    (project / "commands" / "main.py").write_text(HELP.format(word=word))
    (project / "tests" / "test_disk.py").write_text(f'SAID = "{word}"\n')
    assert sorted(found(project)) == sorted(
        said(word, term, place)
        for place in (
            "features/01.feature:2",
            "README.md:3",
            "docs/more.md:1",
            "reports/README.md:1",
            "reporting/report.html.j2:1",
            "checks/server/disk_space.py:5",
            "commands/main.py:1",
        )
    )


def test_a_word_within_another_is_not_the_word(project: Path) -> None:
    (project / "README.md").write_text("The blog-info, the cascade, an upheld backing.\n")
    assert found(project) == []


@pytest.mark.parametrize("text", [None, "# Glossary\n", "| Term | Meaning | Not |\n|---|---|---|\n| a | b | |\n"])
def test_a_glossary_that_replaces_nothing_is_a_finding(project: Path, text: str | None) -> None:
    path = project / glossary.GLOSSARY
    path.unlink() if text is None else path.write_text(text)
    (one,) = found(project)
    assert one.startswith("docs/glossary.md:1: the glossary ")
