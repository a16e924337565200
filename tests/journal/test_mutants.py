"""A weaker script is noticed: each of these falls over the scene that is about what was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.drill import journal
from tests.journal import server as servers
from tests.journal.mutants import MUTANTS, Mutant
from tests.journal.server import Server

AT_LEAST = 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_weaker_script_is_noticed(
    server: Server, mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant.write(tmp_path)
    monkeypatch.setattr(journal, "_HERE", tmp_path)
    monkeypatch.setattr(journal, "_COMMON", (tmp_path / "common.sh").read_text())
    monkeypatch.setattr(servers, "DEADLINE_SECONDS", 5.0)
    with pytest.raises((AssertionError, ValueError, OSError)):
        mutant.scene(server)


def test_there_are_enough_of_them() -> None:
    assert len({(mutant.script, mutant.other) for mutant in MUTANTS}) >= AT_LEAST
