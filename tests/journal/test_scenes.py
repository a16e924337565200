"""One thing each that the journal's scripts must do or must not, whatever else happens; each mutant falls over one."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from runbook.drill import journal
from runbook.drill.executor import OVERDUE
from runbook.drill.journal import recovery_log
from runbook.drill.journal.recovery_log import Recovery
from runbook.model.question import Output
from runbook.model.record import OpenJournal
from tests.journal.server import Kept, Plan, Run, Server

KEPT: tuple[Kept, ...] = ("synced", "names", "all")
TIMEOUT_OF_ACT, SYNC_OF_ACT = 5, 2
"""Before which programs of act.sh something is of interest: it has registered; it has checked and not yet written."""


def done(server: Server, run: Run) -> Output:
    output = server.ended(run)
    assert output.status == 0, output
    return output


def refused(server: Server, run: Run) -> str:
    output = server.ended(run)
    why = journal.refusal(output)
    assert why, output
    return why


def recovered(server: Server, generation: str = "") -> Recovery:
    return recovery_log.read_recovery(server.ended(server.recover(generation)))


def words(recovery: Recovery) -> list[str]:
    return [one.status for one in recovery.entries]


def held(server: Server, generation: str = "aa") -> Server:
    """The server, held by this drill."""
    server.set(**{"world.x": "0", "world.y": "0"})
    assert done(server, server.hold(generation)).lines[-1] == "held"
    return server


def deserted(server: Server) -> None:
    server.set(uptime=int(server.told("uptime")) + journal.STALE_SECONDS)


def there(server: Server, place: str) -> list[str]:
    return sorted(str(path.relative_to(server.folder / place)) for path in (server.folder / place).rglob("*.sh"))


def said_to_be_open(server: Server) -> OpenJournal | None:
    """What verify would say of it."""
    said = subprocess.run(
        ["sh", "-c", server.here(journal.OPEN.render({}))], capture_output=True, text=True, check=True
    )
    return journal.read_open(Output(0, said.stdout, said.stderr), "lab")


def log(server: Server) -> list[str]:
    return [line.rpartition(" ")[0] for line in server.told("log").splitlines()]


def holder(server: Server) -> str:
    path = server.folder / "generation"
    return path.read_text().strip() if path.exists() else ""


# Who holds the server.


def test_a_server_that_is_held_is_given_to_nobody_else(server: Server) -> None:
    held(server)
    assert refused(server, server.hold("bb")).startswith("another drill is in progress on this server")
    assert holder(server) == "aa"


def test_a_server_is_not_given_while_a_heart_still_has_the_lock(server: Server) -> None:
    held(server)
    server.heart("aa")
    deserted(server)
    assert words(recovered(server)) == []
    assert refused(server, server.hold("bb")) == "another drill holds the target's lock"


def test_a_server_is_not_given_while_changes_wait_to_be_undone(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    deserted(server)
    assert refused(server, server.hold("bb")) == "a drill has left changes to undo: 1"


def test_of_two_who_want_a_server_at_once_one_gets_it(server: Server) -> None:
    whole = server.hold("aa")
    done(server, whole)
    for at in (number for number, call in enumerate(whole.called, 1) if call.startswith(("flock", "mkdir"))):
        server.anew()
        first = server.hold("aa", Plan("wait", at))
        assert server.stands(first)
        second = server.ended(server.hold("bb"))
        server.wake(first)
        assert [second.out, server.ended(first).out].count("held\n") == 1, f"the first stood still at its step {at}"


def test_a_server_is_not_given_while_an_act_of_the_drill_before_may_still_be_registered(server: Server) -> None:
    held(server)
    late = server.change("aa", 1, "x", Plan("wait", SYNC_OF_ACT))
    assert server.stands(late)
    deserted(server)
    refused(server, server.hold("bb"))
    assert holder(server) != "bb"


def test_an_act_of_a_drill_that_came_and_went_meanwhile_is_waited_for_too(server: Server) -> None:
    whole = server.hold("aa")
    done(server, whole)
    mutex = max(number for number, call in enumerate(whole.called, 1) if call == "flock --wait 0 9")
    server.anew()
    slow = server.hold("aa", Plan("wait", mutex))
    assert server.stands(slow)
    held(server, "bb")
    late = server.change("bb", 1, "x", Plan("wait", SYNC_OF_ACT))
    assert server.stands(late)
    deserted(server)
    server.wake(slow)
    assert refused(server, slow) == "an act of an earlier drill has not ended"


def test_who_gives_the_server_back_late_takes_it_from_nobody(server: Server) -> None:
    held(server)
    deserted(server)
    recovered(server)
    held(server, "bb")
    done(server, server.release("aa"))
    assert holder(server) == "bb"


def test_only_a_whole_recover_sh_is_put_on_a_server(server: Server) -> None:
    half = journal.recover_sh().removesuffix('[ "$failed" -eq 0 ]\n# whole\n')
    assert refused(server, server.start(journal.held("aa"), half.encode())) == "recover.sh did not come whole"
    assert not (server.folder / "recover.sh").exists()


def test_a_recover_sh_that_does_not_run_here_keeps_a_drill_from_beginning(server: Server) -> None:
    run = server.start(journal.held("aa"), b"echo 'I see nothing'\n# whole\n")
    assert refused(server, run) == "recover.sh does not run here: I see nothing"
    assert holder(server) == ""


# Acts.


def test_an_act_of_a_drill_that_was_ended_is_refused(server: Server) -> None:
    held(server)
    deserted(server)
    recovered(server)
    assert refused(server, server.change("aa", 1, "x")) == "this drill has been ended, so no act of it begins"
    assert (server.told("world.x"), there(server, "journal")) == ("0", [])


def test_an_act_that_woke_late_is_refused(server: Server) -> None:
    held(server)
    late = server.change("aa", 1, "x", Plan("wait", 1))
    assert server.stands(late)
    deserted(server)
    recovered(server)
    held(server, "bb")
    server.wake(late)
    assert refused(server, late) == "this drill has been ended, so no act of it begins"
    assert server.told("world.x") == "0"


def test_no_act_begins_while_its_drill_undoes(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    server.set(down="")
    assert words(recovered(server, "aa")) == ["failed"]
    server.unset("down")
    refused(server, server.change("aa", 2, "x"))
    assert holder(server) == "aa closing"


def test_nothing_is_undone_while_an_act_goes_on(server: Server) -> None:
    held(server)
    act = server.change("aa", 1, "x", Plan("wait", TIMEOUT_OF_ACT))
    assert server.stands(act)
    deserted(server)
    assert "has not ended" in refused(server, server.recover())
    server.wake(act)
    done(server, act)
    assert words(recovered(server)) == ["undone"]
    assert log(server) == ["did aa 1", "undone aa 1"]


def test_nothing_is_undone_while_an_act_that_has_checked_is_not_yet_registered(server: Server) -> None:
    held(server)
    act = server.change("aa", 1, "x", Plan("wait", SYNC_OF_ACT))
    assert server.stands(act)
    assert "has not ended" in refused(server, server.recover("aa"))
    server.wake(act)
    done(server, act)
    assert words(recovered(server, "aa")) == ["undone"]
    assert server.told("world.x") == "0"


def test_what_was_done_is_undone_after_a_power_loss(server: Server) -> None:
    for kept in KEPT:
        server.anew()
        held(server)
        done(server, server.change("aa", 1, "x"))
        server.lose_power(kept)
        assert (server.folder / "recover.sh").read_text() == server.here(journal.recover_sh())
        assert words(recovered(server)) == ["undone"], kept
        assert server.told("world.x") == "0"


def test_an_act_whose_undo_finds_no_room_is_not_begun(server: Server) -> None:
    held(server)
    act = server.change("aa", 1, "x", Plan("full", 1))
    assert refused(server, act).startswith("the undo could not be written")
    assert (server.told("world.x"), there(server, "journal")) == ("0", [])


# The heart.


def test_the_heart_of_a_drill_that_was_ended_beats_no_more(server: Server) -> None:
    held(server)
    heart = server.heart("aa")
    deserted(server)
    recovered(server)
    before = (server.folder / "beat").read_text()
    server.letter(heart)
    assert refused(server, heart) == "this drill has been ended by a recovery"
    assert (server.folder / "beat").read_text() == before


def test_a_heart_that_stands_still_in_a_beat_is_not_overtaken(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    heart = server.heart("aa")
    server.letter(heart, b"b", Plan("wait", 2))  # it has the mutex, and is about to read the clock
    assert server.stands(heart)
    deserted(server)
    assert refused(server, server.recover()) == "a recovery is in progress on this server"
    server.wake(heart)
    server.listens(heart)
    assert "is in progress" in refused(server, server.recover())


def test_a_heart_that_is_told_nothing_stops_and_says_so(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    heart = server.heart("aa")
    server.letter(heart, b"x")
    done(server, heart)
    assert words(recovered(server)) == ["undone"], "nobody has to wait until it would be missed"


def test_a_heart_beats_on_where_the_disk_is_full(server: Server) -> None:
    held(server)
    heart = server.heart("aa")
    server.set(uptime=1010)
    server.letter(heart, b"b", Plan("full", 1))
    assert heart.process.poll() is None
    server.make_room()
    server.set(uptime=1020)
    assert "its heart beat 10 s ago" in refused(server, server.recover())


@pytest.mark.parametrize("beat", ["", "aa", "aa boot-1", "aa boot-1 x", "aa boot-1 08", "aa boot-1 -5", "\0\n\0"])
def test_a_beat_that_cannot_be_one_is_none(server: Server, beat: str) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    (server.folder / "beat").write_text(beat)
    server.set(wall=0)
    assert words(recovered(server)) == ["undone"]


def test_no_heart_beats_after_a_restart(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    server.lose_power("all")
    server.set(uptime=1003)
    assert words(recovered(server)) == ["undone"]


def test_a_beat_of_the_future_is_none(server: Server) -> None:
    held(server)
    server.set(uptime=990)
    assert words(recovered(server)) == []
    assert holder(server) == ""


def test_whoever_sets_the_clock_ends_no_drill_and_keeps_none_alive(server: Server) -> None:
    held(server)
    server.set(wall=4_000_000_000)
    assert "is in progress" in refused(server, server.recover())
    deserted(server)
    server.set(wall=0)
    assert words(recovered(server)) == []
    assert holder(server) == ""


@pytest.mark.parametrize("generation", [b"", b"\n", b"\0\xff\n", b"-n\n", b"* *\n", b"aa"])
def test_whoever_a_generation_names_that_is_none_what_is_open_is_undone(server: Server, generation: bytes) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    deserted(server)
    (server.folder / "generation").write_bytes(generation)
    assert words(recovered(server)) == ["undone"]
    assert refused(server, server.change("aa", 2, "x"))


# Undoing.


def test_what_was_done_last_is_undone_first_and_nothing_is_deleted(server: Server) -> None:
    held(server)
    for number in range(1, 4):
        done(server, server.change("aa", number, "x"))
    assert [one.entry for one in recovered(server, "aa").entries] == ["0003.sh", "0002.sh", "0001.sh"]
    assert server.told("world.x") == "0"
    assert (there(server, "journal"), there(server, "undone")) == ([], ["aa/0001.sh", "aa/0002.sh", "aa/0003.sh"])


def test_what_somebody_else_has_changed_is_let_be_and_kept(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    server.set(**{"world.x": "foreign"})
    assert words(recovered(server, "aa")) == ["interfered"]
    assert (there(server, "journal"), there(server, "interfered")) == ([], ["aa/0001.sh"])


def test_a_status_alone_is_no_finding(server: Server) -> None:
    held(server)
    done(server, server.act("aa", 1, ":", "docker undo aa 1 x 0 1 || exit 3"))
    server.set(down="")
    assert words(recovered(server, "aa")) == ["failed"]
    assert there(server, "journal") == ["aa/0001.sh"]


def test_what_an_undo_finds_is_nobody_elses_while_a_newer_change_is_open(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    done(server, server.change("aa", 2, "x"))
    server.set(stumbles="")
    assert words(recovered(server, "aa")) == ["failed", "failed"]
    assert words(recovered(server, "aa")) == ["undone", "undone"]
    assert server.told("world.x") == "0"


def test_an_undo_that_hangs_holds_up_no_other(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    hangs = "trap '' TERM; \"$REAL/sleep\" 1000"
    done(server, server.act("aa", 2, ":", hangs, undo_seconds=1))
    assert words(recovered(server, "aa")) == ["failed", "undone"]


HEEDS_NOTHING = "sh -c \"trap '' TERM; '$REAL/sleep' 1000\"; touch \"$AID/went-on\""


def test_an_act_whose_program_heeds_no_signal_is_ended_whole(server: Server) -> None:
    held(server)
    output = server.ended(server.act("aa", 1, HEEDS_NOTHING, ":", seconds=1))
    assert output.status in OVERDUE
    assert words(recovered(server, "aa")) == ["undone"]
    assert not (server.aid / "went-on").exists()


def test_an_undo_whose_program_heeds_no_signal_is_ended_whole(server: Server) -> None:
    held(server)
    done(server, server.act("aa", 1, ":", HEEDS_NOTHING, undo_seconds=1))
    assert words(recovered(server, "aa")) == ["failed"], "with nothing of it left, or the wait for it has no end"
    assert not (server.aid / "went-on").exists()


def test_what_an_undo_leaves_running_holds_up_nothing(server: Server) -> None:
    held(server)
    done(server, server.act("aa", 1, ":", '"$REAL/sleep" 1000 & echo left'))
    run = server.recover("aa")
    run.process.wait(20)
    assert [(one.status, one.said) for one in recovery_log.read_recovery(run.output()).entries] == [("undone", "left")]
    done(server, server.recover("aa"))
    server.kill(run)


def test_only_one_undoes_at_a_time(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    deserted(server)
    first = server.recover("", Plan("wait", "docker"))
    assert server.stands(first)
    second = server.ended(server.recover())
    assert journal.refusal(second) == "a recovery is in progress on this server"
    assert second.status == journal.BUSY, "this may be tried again, which no wording says"
    server.wake(first)
    assert words(recovery_log.read_recovery(server.ended(first))) == ["undone"]
    assert log(server).count("undone aa 1") == 1


def test_an_undo_goes_on_alone_where_its_recovery_was_killed(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    deserted(server)
    first = server.recover("", Plan("wait", "docker"))
    assert server.stands(first)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait(20)
    assert refused(server, server.recover()) == "a recovery is in progress on this server"
    server.wake(first)
    with pytest.raises(ValueError, match="did not finish"):
        recovery_log.read_recovery(server.ended(first))
    assert words(recovered(server)) == ["undone"]
    assert server.told("world.x") == "0"


def test_a_recovery_that_was_killed_is_taken_up_by_another(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    done(server, server.change("aa", 2, "x"))
    deserted(server)
    first = server.recover("", Plan("kill", "mv"))
    with pytest.raises(ValueError, match="did not finish"):
        recovery_log.read_recovery(server.ended(first))
    recovered(server)
    assert (there(server, "journal"), there(server, "undone")) == ([], ["aa/0001.sh", "aa/0002.sh"])
    assert server.told("world.x") == "0"


def test_what_was_undone_stays_so_after_a_power_loss(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    done(server, server.change("aa", 2, "x"))
    recovered(server, "aa")
    server.lose_power("synced")
    assert (there(server, "journal"), there(server, "undone")) == ([], ["aa/0001.sh", "aa/0002.sh"])


def test_the_record_of_what_was_undone_stays_also_where_its_folder_is_new(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    deserted(server)
    server.set(down="")
    assert words(recovered(server)) == ["failed"]
    server.unset("down")
    recovered(server)
    server.lose_power("synced")
    assert (there(server, "journal"), there(server, "undone")) == ([], ["aa/0001.sh"])


def test_it_is_undone_where_the_disk_is_full(server: Server) -> None:
    if not server.mounted:
        pytest.skip("no small disk can be mounted here")
    held(server)
    done(server, server.change("aa", 1, "x"))
    about = "aa 2 y 0 aa.2"
    done(server, server.act("aa", 2, f"docker do {about}", f"docker undo {about} && echo as it was"))
    deserted(server)
    server.set(down="")
    assert words(recovered(server)) == ["failed", "failed"]
    server.unset("down")
    server.fill()
    assert words(recovered(server)) == ["undone", "undone"]
    assert (server.told("world.x"), server.told("world.y")) == ("0", "0")


def test_a_drill_is_closed_and_undone_where_the_disk_is_full(server: Server) -> None:
    if not server.mounted:
        pytest.skip("no small disk can be mounted here")
    held(server)
    done(server, server.change("aa", 1, "x"))
    server.fill()
    assert words(recovered(server, "aa")) == ["undone"]
    refused(server, server.change("aa", 2, "x"))
    assert server.told("world.x") == "0"


def test_it_is_undone_where_nobody_listens_any_more(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    done(server, server.change("aa", 2, "x"))
    server.ended(server.start(f"sh -c {shlex.quote(journal.recovery('aa'))} | exec 0<&-"))
    assert server.told("world.x") == "0"
    assert there(server, "journal") == []


def test_only_whole_entries_are_ever_run(server: Server) -> None:
    held(server)
    for name in ("aa/.0001", "aa/0002.sh.part", "0003.sh.part", "aa/0004.sh~", "aa/x y.sh", "aa/0005.sh/0006.sh"):
        path = server.folder / "journal" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('touch "$AID/run"\n')
    assert words(recovered(server, "aa")) == []
    deserted(server)
    assert words(recovered(server)) == []
    assert not (server.aid / "run").exists()
    assert said_to_be_open(server) is None


def test_only_whole_entries_are_ever_run_although_parts_stay(server: Server) -> None:
    held(server)
    (server.folder / "journal" / "aa" / ".0001").write_text('touch "$AID/run"\n')
    program = server.aid / "bin" / "rm"
    program.write_text(program.read_text().replace("case $me in\n  cat)", "case $me in\n  rm) ;;\n  cat)"))
    assert words(recovered(server, "aa")) == []
    assert not (server.aid / "run").exists()


def test_what_cannot_be_looked_for_is_not_taken_for_nothing(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    (server.aid / "bin" / "find").symlink_to("/bin/false")
    assert refused(server, server.recover("aa")) == "the journal could not be read"


def test_who_was_ended_by_a_recovery_is_told_so(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    deserted(server)
    recovered(server)
    assert recovered(server, "aa").ended_before


def test_who_was_ended_ends_no_other_drill(server: Server) -> None:
    held(server)
    deserted(server)
    recovered(server)
    held(server, "bb")
    done(server, server.change("bb", 1, "x"))
    deserted(server)
    assert "another one holds the server" in refused(server, server.recover("aa"))
    assert holder(server) == "bb"


def test_where_no_drill_ever_was_nothing_is_undone(server: Server) -> None:
    assert recovered(server) == Recovery(())
    server.folder.write_text("not a folder")
    refused(server, server.recover())


# Earlier versions, and everybody else.


def test_nobody_elses_process_is_ended(server: Server) -> None:
    held(server)
    done(server, server.change("aa", 1, "x"))
    with _bystander() as bystander:
        (server.folder / "holder").write_text(f"{bystander.pid}\n")
        heart = server.heart("aa")
        deserted(server)
        assert words(recovered(server)) == ["undone"]
        server.letter(heart)
        server.ended(heart)
        assert bystander.poll() is None


EARLIER = """\
# rollback.START
# drill\trollback\t2026-02-24T08:00:12Z\thanako@laptop
docker undo old 1 x 0 old.1
"""


def _earlier(server: Server) -> None:
    """What the version before has left, with its folder as it made it."""
    server.set(**{"world.x": "old.1", "wall": int(_now(server))})
    (server.folder / "journal").mkdir(parents=True)
    (server.folder / "journal" / "0001.sh").write_text(EARLIER)
    (server.folder / "journal" / "0002.sh.part").write_text("docker undo old 2 x")
    (server.folder / "beat").touch()
    (server.folder / "holder").write_text("1\n")
    for name in ("lock", "acting", "recover.sh"):
        (server.folder / name).touch()


def test_an_earlier_versions_journal_is_undone_and_named(server: Server) -> None:
    _earlier(server)
    left = said_to_be_open(server)
    assert left is not None
    assert (left.drill, left.by, left.changes) == ("rollback", "hanako@laptop", 1)
    assert refused(server, server.hold("aa")) == "a drill has left changes to undo: 1"
    assert words(recovered(server)) == ["undone"]
    assert (server.told("world.x"), there(server, "undone")) == ("0", ["0001.sh"])
    held(server)


def test_an_earlier_versions_drill_that_is_alive_is_let_be(server: Server) -> None:
    _earlier(server)
    with _bystander("flock", str(server.folder / "lock"), "sleep", "1000"):
        while not server.is_locked("lock"):
            pass
        assert "is in progress" in refused(server, server.recover())
        server.set(wall=int(_now(server)) + journal.STALE_SECONDS)
        assert words(recovered(server)) == ["undone"]


def _now(server: Server) -> float:
    return server.aid.stat().st_mtime if not server.folder.exists() else (server.folder / "beat").stat().st_mtime


@contextmanager
def _bystander(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command or ("sleep", "1000"), start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
