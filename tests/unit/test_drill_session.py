"""What a drill goes by where its server answers: codes and fields, never the words that a person reads."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runbook.drill import journal
from runbook.drill.executor import DrillExecutor, NotGiven
from runbook.drill.journal import DrillOwner, recovery_log
from runbook.drill.journal.recovery_log import Recovery
from runbook.drill.session import DrillSession
from runbook.model.question import Output
from runbook.model.target import Target

TARGET = Target(name="x", environment="lab", address="192.0.2.1", domain="service.example")
BUSY = Output(journal.BUSY, "", "runbook: somebody is at it, in whatever words\n")
REFUSED = Output(journal.REFUSED, "", "runbook: a recovery is in progress on this server\n")
UNDONE = Output(0, "begin: 0 to undo, at most 0 s\nend: 0 undone, 0 interfered, 0 failed\n", "")


class Server:
    """Answers each script with the next of these outputs."""

    def __init__(self, *outputs: Output) -> None:
        self._outputs = list(outputs)
        self.asked: list[str] = []

    def operator(self) -> DrillExecutor:
        recorded: Any = SimpleNamespace(record=lambda **_: 1)
        whose = DrillOwner("restore", "me@here", datetime(2026, 2, 24, tzinfo=UTC))
        made = DrillExecutor(TARGET, cast(Any, None), recorded, lambda _: "an act", whose)
        made._ended = self._ended  # type: ignore[method-assign, assignment]
        return made

    def _ended(self, script: str, *_: object) -> tuple[Output, str]:
        self.asked.append(script)
        return self._outputs.pop(0), ""


def drilling() -> DrillSession:
    return DrillSession(TARGET, cast(Any, None), cast(Any, None), lambda _: "an act", cast(Any, None))


def test_an_undo_waits_for_a_recovery_that_is_under_way_whatever_its_words() -> None:
    server = Server(BUSY, BUSY, UNDONE)
    assert drilling()._undone_at_last(server.operator()) == Recovery(())
    assert len(server.asked) == 3


def test_an_undo_that_is_refused_for_good_is_not_tried_again() -> None:
    server = Server(REFUSED, UNDONE)
    with pytest.raises(NotGiven):
        drilling()._undone_at_last(server.operator())
    assert len(server.asked) == 1


@pytest.mark.parametrize(("backup", "noted"), [("a, b.sql.gz", "'a, b.sql.gz'"), (None, " - ")])
def test_the_backup_that_is_noted_is_the_drills_and_not_a_figure_of_its_report(backup: str | None, noted: str) -> None:
    server = Server(Output(0, "", ""))
    operator = server.operator()
    operator.measure("backup", "another.sql.gz, 3 bytes")
    operator.backup = backup
    operator.record_pass("the-latest")
    assert noted in server.asked[0]
    assert "another" not in server.asked[0]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("begin: 0 to undo, at most 0 s", None),
        ("begin: 2 to undo, at most 40 s", "begin: 2 to undo, at most 40 s"),
        ("end: 1 undone, 0 interfered, 0 failed", None),
        ("end: of what an undo says itself", "end: of what an undo says itself"),
        ("undone 0001.sh unmade", "undone: 0001.sh unmade"),
    ],
)
def test_of_a_recovery_a_person_is_shown_what_is_undone(line: str, shown: str | None) -> None:
    assert recovery_log.in_words(line) == shown
