"""The table of controls: a section's own or its chapter's, identifiers that there are, one sentence on a bad file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from linting import control_rules
from runbook.suite import controls
from runbook.suite.controls import Controls, ControlsError, Entry, Framework
from runbook.suite.features import Scenario

CONTROLS = controls.load()
SMALL = Controls(
    sections={"2": ("A.8.16",), "2.1": ("A.8.14", "A.17.1")},
    frameworks={
        "iso": Framework(
            name="ISO",
            ids=r"A\.[5-8]\.\d+",
            controls={one: Entry(title="x", beyond="y") for one in ("A.8.14", "A.8.16", "A.12.3.1")},
        )
    },
)


@pytest.mark.parametrize(
    ("section", "expected"),
    [("2.1", ("A.8.14", "A.17.1")), ("2.2", ("A.8.16",)), ("2", ("A.8.16",)), ("3.1", ())],
)
def test_a_section_has_its_own_controls_or_its_chapters(section: str, expected: tuple[str, ...]) -> None:
    assert SMALL.of(section) == expected


def test_an_identifier_that_nobody_has_is_unknown() -> None:
    assert [*SMALL.unknown()] == ["A.17.1", "A.12.3.1"]


def test_no_identifier_is_in_two_frameworks() -> None:
    """A section names controls by their identifiers alone."""
    listed = [identifier for _, identifier, _ in CONTROLS.listed()]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("identifier", "framework"),
    [
        *[(one, "iso27001") for one in ("A.5.1", "A.5.37", "A.6.8", "A.7.14", "A.8.34")],
        *[(one, "nist80053") for one in ("CP-9", "CP-9(8)", "SC-51")],
        *[(one, "soc2") for one in ("CC6.8", "CC7.5", "CC8.1", "A1.3", "C1.2", "P4.3")],
    ],
)
def test_what_a_framework_has_is_known(identifier: str, framework: str) -> None:
    assert re.fullmatch(CONTROLS.frameworks[framework].ids, identifier)


@pytest.mark.parametrize(
    ("identifier", "framework"),
    [
        *[(one, "iso27001") for one in ("A.5.38", "A.8.35", "A.9.1", "A.12.3.1", "A.17.1.2", "8.13")],
        *[(one, "nist80053") for one in ("CP9", "ZZ-1", "CP-9.8")],
        *[(one, "soc2") for one in ("CC7.6", "CC8.2", "A1.4", "CC10.1")],
    ],
)
def test_what_is_of_another_edition_or_made_up_is_not(identifier: str, framework: str) -> None:
    assert not re.fullmatch(CONTROLS.frameworks[framework].ids, identifier)


@pytest.mark.parametrize(
    ("identifier", "title"),
    [
        ("A.8.13", "Information backup"),
        ("A.8.16", "Monitoring activities"),
        ("A.8.14", "Redundancy of information processing facilities"),
        ("CP-9", "System Backup"),
        ("CP-10", "System Recovery and Reconstitution"),
        ("SC-28(1)", "Cryptographic Protection"),
    ],
)
def test_a_control_has_its_official_title(identifier: str, title: str) -> None:
    assert {one: entry.title for _, one, entry in CONTROLS.listed()}[identifier] == title


def test_no_section_names_what_no_scenario_can_support() -> None:
    """A health check or a restart is no redundancy: there is one server."""
    assert not [*CONTROLS.overstated()]
    assert [one for _, one, entry in CONTROLS.listed() if not entry.supportable] == ["A.8.14"]
    assert not [section for section, named in CONTROLS.sections.items() if "A.8.14" in named]


def test_a_record_has_each_control_with_its_sections_in_order_and_their_scenarios() -> None:
    def one(section: str) -> Scenario:
        return Scenario(Path("x"), 1, "x", frozenset({f"rb-{section}"}), ())

    found = {
        control.id: control.sections for control in controls.recorded(SMALL, [one("2.10"), one("2.2"), one("2.2")])
    }
    assert found == {"A.8.14": {"2.1": 0}, "A.8.16": {"2": 0, "2.2": 2, "2.10": 1}, "A.12.3.1": {}}
    assert list(found["A.8.16"]) == ["2", "2.2", "2.10"]


def test_it_never_says_compliant() -> None:
    assert "complian" not in controls.CONTROLS.read_text().lower()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read (No such file or directory); expected a table of controls"),
        ("[", "is not TOML ("),
        ("sections = 3", "key sections: "),
        ("[frameworks.x]\nname = 'x'\nids = 'x'\nmore = 1\n[frameworks.x.controls]\n", "key frameworks.x.more: "),
    ],
)
def test_a_bad_table_is_told_in_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "controls.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ControlsError) as told:
        controls.load(path)
    assert str(told.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(told.value)
    (found,) = control_rules.findings((), path)
    assert found.what == told.value.what
    assert str(told.value) == f"{path}: {found.what}; expected a table of controls"
