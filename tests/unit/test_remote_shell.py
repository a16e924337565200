"""Many commands over one shell: each gets its own answer, and one that hangs or a line that breaks fails alone."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.outcome import Undetermined
from runbook.model.port_state import PortState
from runbook.model.question import Output
from runbook.transport.connection_lost import ConnectionLost
from runbook.transport.remote_shell import RemoteShell

SOON = 5.0
MOST = 1024 * 1024


class Line:
    """A channel to a local shell, and what became of its processes."""

    def __init__(self, script: str = "exec sh", connect_seconds: float = SOON) -> None:
        self.script = script
        self.fails: ConnectionLost | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        parts = (self.start, lambda process: process.kill(), connect_seconds, self.explain)
        self.channel = RemoteShell(*parts, shells=3, most=MOST)

    def start(self) -> subprocess.Popen[bytes]:
        if self.fails is not None:
            raise self.fails
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            ["sh", "-c", self.script], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        self.processes.append(process)
        return process

    def hang_up(self) -> None:
        self.channel.hang_up()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(SOON)

    def explain(self, _process: subprocess.Popen[bytes], said: str) -> ConnectionLost:
        return ConnectionLost(f"the shell ended: {said or 'silently'}")

    def run(self, script: str, seconds: float = SOON) -> Output:
        return self.channel.submit(script, seconds).result(SOON * 2)


def running_in_group(group: int) -> list[str]:
    """The processes of a process group that have not ended."""
    told = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [row.split(None, 2) for row in told.splitlines()]
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.hang_up()


def test_an_answer_has_both_streams_and_the_status(line: Line) -> None:
    assert line.run("echo out; echo err >&2; exit 7") == Output(7, "out\n", "err\n")


def test_answers_come_back_to_their_questions(line: Line) -> None:
    waiting = [line.channel.submit(f"echo {number}", SOON) for number in range(200)]
    assert [one.result(SOON).out for one in waiting] == [f"{number}\n" for number in range(200)]


def test_questions_of_many_threads_do_not_mix(line: Line) -> None:
    seen: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda number=number: seen.update({number: line.run(f"echo {number}").out}))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert seen == {number: f"{number}\n" for number in range(20)}


@pytest.mark.parametrize(
    ("script", "out"),
    [
        ("printf 'no newline'", "no newline"),
        ("printf '\\377\\n'", "\N{REPLACEMENT CHARACTER}\n"),
        ("cat", ""),
        ("echo $LC_ALL", "C\n"),
        ("cd /; false || pwd", "/\n"),
        ("head -c 300000 /dev/zero | tr '\\0' x", "x" * 300000),
    ],
)
def test_whatever_a_command_prints_ends_where_it_ends(line: Line, script: str, out: str) -> None:
    assert line.run(script).out == out
    assert line.run("echo next").out == "next\n"


def test_a_command_that_cannot_be_parsed_fails_alone(line: Line) -> None:
    broken, sound = line.channel.submit("echo 'unfinished", SOON), line.channel.submit("echo fine", SOON)
    assert broken.result(SOON).status != 0
    assert sound.result(SOON).out == "fine\n"


def test_what_a_command_sets_is_gone_with_it(line: Line) -> None:
    line.run("left=over; cd /; exec 1>/dev/null")
    assert line.run('echo "${left:-nothing}"').out == "nothing\n"


def test_a_command_that_hangs_fails_alone_and_is_ended(line: Line) -> None:
    hung, behind = line.channel.submit("exec tail -f /dev/null", 0.3), line.channel.submit("echo fine", SOON)
    with pytest.raises(Undetermined, match=r"no answer within 0\.3 s"):
        hung.result(SOON)
    assert behind.result(SOON).out == "fine\n"
    assert running_in_group(line.processes[0].pid) == []


def test_several_commands_that_hang_do_not_hold_each_other_up(line: Line) -> None:
    begun = time.monotonic()
    hung = [line.channel.submit("exec tail -f /dev/null", 1.0) for _ in range(7)]
    sound = [line.channel.submit(f"echo {number}", SOON) for number in range(7)]
    assert [one.result(SOON).out for one in sound] == [f"{number}\n" for number in range(7)]
    assert {str(one.exception(SOON)) for one in hung} == {"no answer within 1 s"}
    assert time.monotonic() - begun < 6.5  # one after the other: 7 s; three at a time: 3 s


def test_a_hang_of_the_line_is_not_taken_for_one_of_the_command(line: Line) -> None:
    line.run("echo up")
    first, behind = line.channel.submit("exec tail -f /dev/null", 0.3), line.channel.submit("echo fine", SOON)
    line.fails = ConnectionLost("there is no way to the server")
    for one in (first, behind):
        with pytest.raises(ConnectionLost, match="there is no way to the server"):
            one.result(SOON)


def test_a_shell_that_never_answers_is_a_lost_line() -> None:
    silent = Line("exec tail -f /dev/null", connect_seconds=0.3)
    with pytest.raises(ConnectionLost, match=r"gave no shell within 0\.3 s") as caught:
        silent.run("echo up")
    assert caught.value.port_state is PortState.SILENT
    silent.hang_up()


def test_what_the_accounts_start_up_files_print_does_no_harm() -> None:
    chatty = Line("echo Welcome to the server; echo 17 mails; exec sh")
    assert chatty.run("echo up").out == "up\n"
    hung = chatty.channel.submit("exec tail -f /dev/null", 0.3)
    with pytest.raises(Undetermined, match=r"no answer within 0\.3 s"):
        hung.result(SOON)
    chatty.hang_up()


def test_an_account_that_gets_no_shell_says_so_in_its_own_words() -> None:
    closed = Line("echo This account is currently not available.; exit 1")
    with pytest.raises(ConnectionLost, match=r"This account is currently not available\."):
        closed.run("echo up")
    closed.hang_up()


def test_a_lost_line_fails_at_once_what_waits_and_what_comes(line: Line) -> None:
    assert line.run("echo up").out == "up\n"
    begun = time.monotonic()
    waiting = line.channel.submit("exec tail -f /dev/null", 60)
    os.killpg(line.processes[0].pid, signal.SIGKILL)
    with pytest.raises(ConnectionLost, match="the shell ended: silently"):
        waiting.result(SOON)
    with pytest.raises(ConnectionLost):
        line.run("echo again")
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize("endless", ["cat /dev/zero", "yes", "yes >&2", "head -c 1100000 /dev/zero"])
def test_an_answer_without_end_fails_alone_and_is_ended(line: Line, endless: str) -> None:
    """Without a line feed or with many of them, on either stream; what waits behind it is asked anew."""
    before, long = line.channel.submit("echo before", SOON), line.channel.submit(endless, 60)
    behind = [line.channel.submit(f"echo {number}", SOON) for number in range(5)]
    with pytest.raises(Undetermined, match="the answer is longer than 1 MiB") as told:
        long.result(SOON)
    assert not isinstance(told.value, ConnectionLost)
    assert before.result(SOON).out == "before\n"
    assert [one.result(SOON).out for one in behind] == [f"{number}\n" for number in range(5)]
    assert running_in_group(line.processes[0].pid) == []


def test_an_answer_as_long_as_it_may_be_comes_whole(line: Line) -> None:
    answer = line.run(f"head -c {MOST - 100} /dev/zero | tr '\\0' x; echo; echo err >&2")
    assert answer == Output(0, "x" * (MOST - 100) + "\n", "err\n")


def test_what_is_too_long_is_not_kept_in_memory(line: Line) -> None:
    tracemalloc.start()
    with pytest.raises(Undetermined, match="longer than"):
        line.channel.submit("cat /dev/zero", 60).result(SOON)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * MOST


def test_start_up_files_that_say_things_without_end_are_a_lost_line() -> None:
    chatty = Line("yes")
    with pytest.raises(ConnectionLost, match="longer than 1 MiB"):
        chatty.run("echo up")
    chatty.hang_up()


@pytest.mark.parametrize("answers", [r"\1 0\n\1 0\n\1 0", r"\1 x", r"\1"])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_answers_as_no_shell_would_is_a_lost_line(answers: str) -> None:
    """A server reads the marker before it has anything to mark."""
    odd = Line(rf"exec sed -un 's/.* \([0-9a-f]\{{24\}}\) \$?;.*/{answers}/p'")
    with pytest.raises(ConnectionLost, match="what answers there is no shell"):
        odd.run("echo up")
    odd.hang_up()


@pytest.mark.parametrize("that_start", [0, 1, 2, 3])
def test_a_machine_that_starts_no_further_thread_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, that_start: int
) -> None:
    left = [None] * that_start
    start = threading.Thread.start

    def start_if_any_is_left(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_if_any_is_left)
    with pytest.raises(ConnectionLost, match="this machine starts no further thread"):
        Line().channel.submit("echo up", SOON).result(SOON)


def test_a_thread_that_is_missing_when_a_command_hangs_leaves_nobody_waiting(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.run("echo up")
    hung, behind = line.channel.submit("exec tail -f /dev/null", 0.2), line.channel.submit("echo fine", SOON)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    for one in (hung, behind):
        with pytest.raises(ConnectionLost, match="this machine starts no further thread"):
            one.result(SOON)


def test_who_hangs_up_is_told_what_is_still_at_work(line: Line) -> None:
    line.run("echo up")
    waiting = line.channel.submit("exec tail -f /dev/null", 60)
    assert line.channel.stop() == (line.processes[0].pid,)
    with pytest.raises(ConnectionLost, match="the connection was closed"):
        waiting.result(0)


def test_where_nothing_is_at_work_nothing_has_to_be_ended(line: Line) -> None:
    line.run("echo up")
    assert line.channel.stop() == ()


@given(text=st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), max_size=40))
def test_any_text_survives_the_way_there_and_back(text: str) -> None:
    shared = _shared_line()
    assert shared.run(f"printf %s {shlex.quote(text)}").out == text


_LINES: list[Line] = []


def _shared_line() -> Line:
    """One line for all examples of a property: a new shell for each would only cost time."""
    if not _LINES:
        _LINES.append(Line())
    return _LINES[0]


@pytest.fixture(scope="module", autouse=True)
def _hang_up_at_the_end() -> Iterator[None]:
    yield
    for made in _LINES:
        made.hang_up()
