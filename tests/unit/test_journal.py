"""The journal on the server says whose drill is open, and what every command says of it first."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from conftest import CATALOGUE
from reporting import run_summary as report
from runbook.drill import journal
from runbook.drill.executor import OVERDUE
from runbook.drill.journal import DrillOwner, read_open
from runbook.drill.journal.recovery_log import Recovery, UndoResult, read_recovery
from runbook.model import rights
from runbook.model.action import Action
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.model.record import OpenJournal, Run
from runbook.suite.terminal import say_journal
from tests.unit import report_example as example

BEGUN = datetime(2026, 2, 24, 8, 0, 12, tzinfo=UTC)
WHOSE = DrillOwner("rollback", "hanako@laptop", BEGUN)
MAKE = Action(": > THING", "rm -f THING; echo unmade")


class Folder:
    """The journal's folder, here."""

    def __init__(self, path: Path) -> None:
        self.path = path / "psyfit-runbook"
        self.thing = path / "thing"

    def run(self, script: str, stdin: str = "") -> Output:
        done = subprocess.run(
            ["sh", "-c", self.here(script)],
            input=self.here(stdin),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return Output(done.returncode, done.stdout, done.stderr)

    def here(self, script: str) -> str:
        return script.replace(journal.FOLDER, str(self.path))

    def hold(self, generation: str) -> Output:
        return self.run(journal.held(generation), journal.recover_sh())

    def act(self, generation: str, number: int, act: Action = MAKE, whose: DrillOwner = WHOSE) -> Output:
        script, undo = act.script.replace("THING", str(self.thing)), act.undo.replace("THING", str(self.thing))
        return self.run(journal.acted(generation, number, "rollback.START", act, script, undo, whose))

    def recover(self, generation: str = "") -> Output:
        return self.run(journal.recovery(generation))

    def read(self) -> OpenJournal | None:
        return read_open(self.run(journal.OPEN.render({})), "lab")

    def heart_misses(self) -> None:
        """Let the heart have beaten too long ago."""
        generation, boot, at = (self.path / "beat").read_text().split()
        (self.path / "beat").write_text(f"{generation} {boot} {int(at) - journal.STALE_SECONDS}\n")

    def left_by_an_earlier_version(self, *undos: str) -> None:
        (self.path / "journal").mkdir(parents=True, exist_ok=True)
        for number, undo in enumerate(undos, 1):
            entry = f"# rollback.START\n{WHOSE}\n{undo}\n"
            (self.path / "journal" / f"{number:04d}.sh").write_text(entry)

    def entries(self, where: str) -> list[str]:
        return sorted(str(one.relative_to(self.path / where)) for one in (self.path / where).glob("**/*.sh"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_where_no_drill_ever_was_nothing_is_open(folder: Folder) -> None:
    assert folder.read() is None
    assert read_recovery(folder.recover()) == Recovery(())


def test_where_all_was_undone_nothing_is_open(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.recover("a")
    folder.run(journal.released("a"))
    assert folder.read() is None
    assert not list((folder.path / "journal").iterdir())
    assert folder.entries("undone") == ["a/0001.sh"]


def test_what_is_registered_says_whose_it_is(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.act("a", 2)
    folder.heart_misses()
    left = folder.read()
    assert left is not None
    assert (left.drill, left.by, left.since, left.changes) == ("rollback", "hanako@laptop", BEGUN, 2)
    assert not left.under_way
    assert left.sentence() == (
        "A drill was left open on this server: the drill rollback, started 2026-02-24 08:00:12 UTC by hanako@laptop; "
        "2 changes wait to be undone. Heal it first: `runbook recover --target lab` from here, or "
        "/var/lib/psyfit-runbook/recover.sh on the server."
    )


def test_a_heart_that_beats_tells_one_that_is_under_way(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    left = folder.read()
    assert left is not None
    assert left.under_way
    assert left.sentence().startswith("A drill is in progress on this server: the drill rollback, started ")


@pytest.mark.parametrize("at", ["", "-5", "99999999999", "9" * 40, "0x10", "soon"])
def test_a_heart_that_says_no_time_of_this_boot_does_not_beat(at: str, folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    boot = (folder.path / "beat").read_text().split()[1]
    (folder.path / "beat").write_text(f"a {boot} {at}\n")
    left = folder.read()
    assert left is not None
    assert not left.under_way
    assert [one.status for one in read_recovery(folder.recover()).entries] == ["undone"]


def test_a_heart_that_beat_before_a_restart_does_not_beat(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    (folder.path / "beat").write_text("a 00000000-0000-0000-0000-000000000000 1\n")
    assert read_recovery(folder.recover()).entries == (UndoResult("undone", "0001.sh", "unmade"),)


def test_a_missing_heart_does_not_stop_a_recovery(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    (folder.path / "beat").unlink()
    assert read_recovery(folder.recover()).entries == (UndoResult("undone", "0001.sh", "unmade"),)


def test_a_journal_that_does_not_say_whose_it_is_is_open_all_the_same(folder: Folder) -> None:
    (folder.path / "journal").mkdir(parents=True)
    (folder.path / "journal" / "9999.sh").write_text(":\n")
    left = folder.read()
    assert left is not None
    assert (left.drill, left.by, left.changes) == (None, None, 1)
    assert abs((left.since - datetime.now(UTC)).total_seconds()) < 60
    assert "a drill, started " in left.sentence()
    assert "by somebody unknown; 1 change waits to be undone" in left.sentence()


def test_an_earlier_versions_journal_is_named_and_undone(folder: Folder) -> None:
    folder.left_by_an_earlier_version("echo first", "echo second")
    (folder.path / "beat").touch()
    os.utime(folder.path / "beat", (0, 0))
    left = folder.read()
    assert left is not None
    assert (left.drill, left.changes, left.under_way) == ("rollback", 2, False)
    assert [one.said for one in read_recovery(folder.recover()).entries] == ["second", "first"]
    assert folder.read() is None
    assert folder.entries("undone") == ["0001.sh", "0002.sh"]


def test_what_an_earlier_version_cut_off_while_it_wrote_is_never_run(folder: Folder) -> None:
    folder.left_by_an_earlier_version("echo whole")
    (folder.path / "journal" / "0002.sh.part").write_text(f"touch {folder.thing}\n")
    assert [one.said for one in read_recovery(folder.recover()).entries] == ["whole"]
    assert not folder.thing.exists()
    assert folder.hold("a").out == "held\n"


def test_half_an_entry_is_never_run(folder: Folder) -> None:
    folder.hold("a")
    (folder.path / "journal" / "a" / ".0001").write_text(f"touch {folder.thing}\n")
    assert read_recovery(folder.recover("a")) == Recovery(())
    assert not folder.thing.exists()


def test_the_server_is_held_by_one_at_a_time(folder: Folder) -> None:
    assert folder.hold("a").out == "held\n"
    refused = folder.hold("b")
    assert "another drill is in progress on this server: its heart beat " in (journal.refusal(refused) or "")


def test_no_drill_begins_where_one_has_left_changes(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.heart_misses()
    assert journal.refusal(folder.hold("b")) == "a drill has left changes to undo: 1"


def test_a_drill_that_left_nothing_open_is_in_nobodys_way(folder: Folder) -> None:
    folder.hold("a")
    folder.heart_misses()
    assert folder.hold("b").out == "held\n"
    assert journal.refusal(folder.act("a", 1)) == "this drill has been ended, so no act of it begins"


def test_before_the_first_act_recover_sh_has_run_here(folder: Folder) -> None:
    script = journal.held("a")
    told = folder.run(script, "#!/bin/sh\necho it does not run here; exit 1\n")
    assert (told.status, told.out) != (0, "held\n")
    assert not (folder.path / "generation").exists()
    assert journal.refusal(folder.act("a", 1)) == "this drill has been ended, so no act of it begins"


def test_an_act_that_wakes_after_a_recovery_is_refused(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.heart_misses()
    folder.recover()
    assert journal.refusal(folder.act("a", 2)) == "this drill has been ended, so no act of it begins"
    assert not folder.thing.exists()


def test_an_undo_that_wakes_beside_the_next_drill_undoes_nothing_of_it(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.heart_misses()
    folder.recover()
    folder.hold("b")
    folder.act("b", 1)
    assert journal.refusal(folder.recover("a")) == (
        "this drill has been ended by a recovery, and another one holds the server"
    )
    assert folder.entries("journal") == ["b/0001.sh"]
    assert folder.thing.exists()


def test_an_undo_says_that_somebody_else_has_ended_its_drill(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.heart_misses()
    folder.recover()
    assert read_recovery(folder.recover("a")) == Recovery((), ended_before=True)


def test_a_heart_of_an_ended_drill_stops(folder: Folder) -> None:
    folder.hold("a")
    folder.run(journal.released("a"))
    stopped = folder.run(journal.beating("a"), "bbb")
    assert journal.refusal(stopped) == "this drill has been ended by a recovery"


def test_a_heart_stops_by_itself_when_its_runner_has_ended(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    assert folder.run(journal.beating("a"), "bbb").out == "beating\n"
    left = folder.read()
    assert left is not None
    assert not left.under_way


def test_while_a_drill_is_undone_its_acts_are_refused_and_nobody_else_holds_the_server(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.recover("a")
    assert journal.refusal(folder.act("a", 2)) == "this drill has been ended, so no act of it begins"
    assert "another drill is in progress" in (journal.refusal(folder.hold("b")) or "")
    folder.run(journal.released("a"))
    assert folder.hold("b").out == "held\n"


def test_what_somebody_else_has_changed_is_kept_apart(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1, Action(":", "echo 'interfered: somebody else has changed it'; exit 3"))
    assert read_recovery(folder.recover("a")).entries == (
        UndoResult("interfered", "0001.sh", "somebody else has changed it"),
    )
    assert folder.entries("interfered") == ["a/0001.sh"]
    assert folder.entries("journal") == []


def test_a_status_alone_is_no_finding(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1, Action(":", "echo 'Cannot connect to the Docker daemon'; exit 3"))
    recovery = read_recovery(folder.recover("a"))
    assert [one.status for one in recovery.entries] == ["failed"]
    assert folder.entries("journal") == ["a/0001.sh"]


def test_an_undo_that_hangs_ends_at_its_own_limit_and_the_older_ones_are_run(folder: Folder) -> None:
    folder.hold("a")
    folder.act("a", 1)
    folder.act("a", 2, Action(":", "exec tail -f /dev/null", undo_seconds=1))
    entries = read_recovery(folder.recover("a")).entries
    assert [(one.status, one.said) for one in entries] == [
        ("failed", "it did not end within 1 s"),
        ("undone", "unmade"),
    ]


def test_an_act_that_hangs_is_ended_on_the_server_itself(folder: Folder) -> None:
    folder.hold("a")
    done = folder.act("a", 1, Action("exec tail -f /dev/null", ":", seconds=1))
    assert done.status in OVERDUE


def test_an_undo_waits_for_the_act_that_has_begun(folder: Folder) -> None:
    folder.hold("a")
    act = Action(f"echo begun > {folder.thing}.begun; read -r line < {folder.thing}.go; : > THING", MAKE.undo)
    os.mkfifo(f"{folder.thing}.go")
    with ThreadPoolExecutor() as pool:
        acting = pool.submit(folder.act, "a", 1, act)
        _wait_for(Path(f"{folder.thing}.begun"))
        recovering = pool.submit(folder.recover, "a")
        _wait_for(folder.path / "generation", "a closing\n")
        assert not recovering.done()
        Path(f"{folder.thing}.go").write_text("\n")
        assert acting.result().status == 0
        assert [one.said for one in read_recovery(recovering.result()).entries] == ["unmade"]
    assert not folder.thing.exists()


def test_an_act_that_ends_with_what_it_rests_on_is_not_waited_for(folder: Folder) -> None:
    folder.hold("a")
    act = Action(f"echo begun > {folder.thing}.begun; read -r line < {folder.thing}.go", ":", confined=True)
    os.mkfifo(f"{folder.thing}.go")
    with ThreadPoolExecutor() as pool:
        acting = pool.submit(folder.act, "a", 1, act)
        _wait_for(Path(f"{folder.thing}.begun"))
        assert [one.status for one in read_recovery(folder.recover("a")).entries] == ["undone"]
        Path(f"{folder.thing}.go").write_text("\n")
        acting.result()


def test_every_act_ends_before_an_undo_stops_waiting_for_it() -> None:
    for act, name in CATALOGUE.actions.items():
        assert act.confined or act.seconds + journal.GRACE_SECONDS <= journal.LONGEST_ACT_SECONDS, name


def test_what_does_not_come_to_its_end_has_undone_nothing_that_is_known() -> None:
    for output in (Output(127, "", "sh: not found"), Output(0, "", ""), Output(0, "undone 0001.sh\n", "")):
        with pytest.raises(ValueError, match="it did not finish"):
            read_recovery(output)
    with pytest.raises(ValueError, match="not those that it counts"):
        read_recovery(Output(0, "undone 0001.sh\nend: 2 undone, 0 interfered, 0 failed\n", ""))


def test_an_account_that_may_not_enter_the_folder_is_told_so(folder: Folder) -> None:
    folder.hold("a")
    folder.path.chmod(0o700)
    folder.path.parent.chmod(0o755)
    told = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", folder.here(journal.recovery())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == journal.REFUSED
    assert "cannot be entered by nobody: it takes root" in told.stderr


@given(by=st.text())
def test_whoever_runs_it_its_line_is_one_line_of_four_words(by: str) -> None:
    text = str(DrillOwner("rollback", by, BEGUN))
    assert len(text.splitlines() or [""]) == 1
    assert len(text.split("\t")) == 4


def _wait_for(path: Path, text: str = "") -> None:
    """Wait until this file is there, with this text where one is given."""
    deadline = time.monotonic() + 10
    while not path.exists() or (text and path.read_text() != text):
        assert time.monotonic() < deadline, f"{path} was not there in time"
        threading.Event().wait(0.01)


@given(
    said=st.text()
    | st.lists(
        st.sampled_from(
            ["change\t1", "change\tx", "now\t9", "beat\ta b 1", "boot\tb\t9 1", "generation\ta", "# drill\ta"]
        )
    ).map("\n".join)
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
    assert said(left).startswith("A drill was left open on this server: the drill x�[2J, started ")
    assert said(None) == ""
    assert said(None, Undetermined("no line")) == "", "why nothing can be told is said elsewhere"
    assert said(None, Undetermined("not allowed", right=rights.ROOT)).startswith(
        "Whether a drill was left open could not be determined: not allowed (missing right: root; "
    )


def test_the_record_and_the_report_hold_it() -> None:
    left = OpenJournal(drill="restore", by="hanako@laptop", since=BEGUN, changes=3, under_way=False, heal=("a", "b"))
    run = example.healthy().model_copy(update={"journal": left})
    assert Run.model_validate_json(run.model_dump_json()).journal == left
    assert next(report.cautions(run)) == left.sentence()
