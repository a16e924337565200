"""``runbook lab``, as far as it needs no lab."""

from __future__ import annotations

import pytest

from commands.main import run
from lab import faults
from runbook import exits
from runbook.features import section_order


@pytest.mark.parametrize("columns", ["80", "30"])
def test_the_faults_are_listed_in_the_runbooks_order_each_with_its_whole_id(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert run(["lab", "break", "--list"]) == exits.COMPLIANT
    _, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(faults.names())
    listed = [next(word for word in line.split() if word in faults.names()) for line in lines]
    assert sorted(listed) == sorted(faults.names())
    sections = [line.split()[0] for line in lines]
    assert sections == [faults.describe(one).section for one in listed]
    assert sections == sorted(sections, key=section_order)
    assert all(line.endswith(faults.describe(one).title) for line, one in zip(lines, listed, strict=True))
