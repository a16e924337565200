"""The journal on the server says whose drill is open, and what every command says of it first."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reporting import reading as report
from runbook import journal, rights
from runbook.journal import Whose, read_open
from runbook.outcome import Undetermined
from runbook.question import Output
from runbook.record import OpenJournal, Run
from runbook.screen import say_journal
from tests.unit import report_example as example

BEGUN = datetime(2026, 2, 24, 8, 0, 12, tzinfo=UTC)
WHOSE = Whose("rollback", "hanako@laptop", BEGUN)


class Folder:
    """The journal's folder, here."""

    def __init__(self, path: Path) -> None:
        self.path = path / "psyfit-runbook"

    def run(self, script: str) -> Output:
        script = script.replace(journal.FOLDER, str(self.path))
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, timeout=10)
        return Output(done.returncode, done.stdout, done.stderr)

    def register(self, number: int, whose: Whose = WHOSE) -> None:
        (self.path / "journal").mkdir(parents=True, exist_ok=True)
        assert self.run(journal.registered(number, "rollback.START", "echo 'undone'", whose)).status == 0

    def read(self) -> OpenJournal | None:
        return read_open(self.run(journal.OPEN.told({})), "lab")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_where_no_drill_ever_was_nothing_is_open(folder: Folder) -> None:
    assert folder.read() is None


def test_where_all_was_undone_nothing_is_open(folder: Folder) -> None:
    (folder.path / "journal").mkdir(parents=True)
    (folder.path / "recover.sh").touch()
    assert folder.read() is None


def test_what_is_registered_says_whose_it_is(folder: Folder) -> None:
    folder.register(1)
    folder.register(2)
    left = folder.read()
    assert left is not None
    assert (left.drill, left.by, left.since, left.changes) == ("rollback", "hanako@laptop", BEGUN, 2)
    assert not left.under_way
    assert left.sentence() == (
        "A drill was left open on this server: the drill rollback, begun 2026-02-24 08:00:12 UTC by hanako@laptop; "
        "2 changes wait to be undone. Heal it first: `runbook recover --target lab` from here, or "
        "/var/lib/psyfit-runbook/recover.sh on the server."
    )


def test_a_heart_that_beats_tells_one_that_is_under_way(folder: Folder) -> None:
    folder.register(1)
    (folder.path / "beat").touch()
    left = folder.read()
    assert left is not None
    assert left.under_way
    assert left.sentence().startswith("A drill is under way on this server: the drill rollback, begun ")


def test_a_journal_that_does_not_say_whose_it_is_is_open_all_the_same(folder: Folder) -> None:
    (folder.path / "journal").mkdir(parents=True)
    (folder.path / "journal" / "9999.sh").write_text(":\n")
    left = folder.read()
    assert left is not None
    assert (left.drill, left.by, left.changes) == (None, None, 1)
    assert abs((left.since - datetime.now(UTC)).total_seconds()) < 60
    assert "a drill, begun " in left.sentence()
    assert "by somebody unknown; 1 change waits to be undone" in left.sentence()


def test_an_undo_runs_as_before(folder: Folder) -> None:
    folder.register(1)
    assert folder.run(f"sh {journal.FOLDER}/journal/0001.sh").out == "undone\n"


@given(by=st.text())
def test_whoever_runs_it_its_line_is_one_line_of_four_words(by: str) -> None:
    text = str(Whose("rollback", by, BEGUN))
    assert len(text.splitlines() or [""]) == 1
    assert len(text.split("\t")) == 4


@given(
    said=st.text()
    | st.lists(st.sampled_from(["change\t1", "change\tx", "now\t9", "beat\t1e999", "# drill\ta"])).map("\n".join)
)
def test_whatever_the_server_says_it_is_read_or_refused(said: str) -> None:
    with suppress(ValueError, LookupError, TypeError):
        read_open(Output(0, said, ""), "lab")


def said(left: OpenJournal | None, untold: Undetermined | None = None) -> str:
    out = StringIO()
    say_journal(Console(file=out, width=80), left, untold)
    return out.getvalue()


def test_what_the_screen_says_of_it() -> None:
    left = OpenJournal(drill="x\x1b[2J", by=None, since=BEGUN, changes=1, under_way=False, heal=("a", "b"))
    assert said(left).startswith("A drill was left open on this server: the drill x�[2J, begun ")
    assert said(None) == ""
    assert said(None, Undetermined("no line")) == "", "why nothing can be told is said elsewhere"
    assert said(None, Undetermined("not allowed", right=rights.ROOT)).startswith(
        "Whether a drill was left open could not be told: not allowed (missing right: root; "
    )


def test_the_record_and_the_report_hold_it() -> None:
    left = OpenJournal(drill="restore", by="hanako@laptop", since=BEGUN, changes=3, under_way=False, heal=("a", "b"))
    run = example.healthy().model_copy(update={"journal": left})
    assert Run.model_validate_json(run.model_dump_json()).journal == left
    assert next(report.cautions(run)) == left.sentence()
