"""A module has one subject, and is read in one sitting."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 320
PACKAGES = (
    "runbook",
    "checks",
    "discovery",
    "drills",
    "steps",
    "triage",
    "linting",
    "traceability",
    "reporting",
    "commands",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_longer_than_can_be_read_in_one_sitting(package: str) -> None:
    lines = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in (ROOT / package).rglob("*.py")}
    assert lines
    assert {str(path): count for path, count in lines.items() if count > LONGEST} == {}
