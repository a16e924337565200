"""The line to a server, with a stand-in for ssh: what it says last becomes one sentence, the same for all who wait."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.outcome import ReasonCode
from runbook.model.port_state import PortState
from runbook.model.question import Lane
from runbook.model.target import SshSettings, Target
from runbook.transport.connection_lost import ConnectionLost
from runbook.transport.ssh import LAST_SESSION_SECONDS, Connection
from runbook.transport.ssh_errors import line_lost

SOON = 20.0
LANES: tuple[Lane, ...] = get_args(Lane)
FAILS = """\
#!/bin/sh
while [ "$1" != -E ]; do shift; done
cat > "$2" <<'END'
{said}
END
exit 255
"""
WORKS = """\
#!/bin/sh
echo "channel 3: open failed: administratively prohibited: open failed" >> "$3"
for last; do :; done
exec $last
"""
ELSEWHERE = """\
#!/bin/sh
for last; do :; done
eval "exec setsid --wait $last"
"""
"""What it starts is in a session of its own, as on a server: nobody here ends it by ending this."""

HAS_A_JUMP = """\
#!/bin/sh
tail -f /dev/null {mark} >&2 &
for last; do :; done
exec $last
"""
RUNNER = """\
import sys
from runbook.transport.ssh import Connection
from runbook.model.target import Target
connection = Connection(Target(name="x", environment="staging", address="192.0.2.1", domain="service.example"))
connection.ready()
print("ready", flush=True)
sys.stdin.read()
"""
ENDS = """\
#!/bin/sh
echo tried >> "$(dirname "$0")/tried"
case " $* " in *ControlMaster=yes*) ;; *) exit 255 ;; esac
log=$3
exec 3<&0
sh <&3 &
while [ ! -e "$(dirname "$0")/cut" ]; do sleep 0.05; done
trap : TERM
kill 0
echo 'Connection to 192.0.2.1 closed by remote host.' >> "$log"
exit 255
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Connection]:
    """A connection whose ssh is this script; it is called with ``-oLogLevel=INFO -E LOG`` first."""

    def make(script: str) -> Connection:
        program = tmp_path / "ssh"
        program.write_text(script)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return Connection(Target(name="x", environment="staging", address="192.0.2.1", domain="service.example"))

    return make


@pytest.mark.parametrize(
    ("said", "reason", "met"),
    [
        ("ssh: connect to host 192.0.2.1 port 22: Connection refused", "the SSH port is closed", PortState.REFUSED),
        (
            "ssh: connect to host 192.0.2.1 port 22: Connection timed out",
            "the SSH port did not answer within 8 s",
            PortState.TIMED_OUT,
        ),
        (
            "Connection timed out during banner exchange\nConnection to 192.0.2.1 port 22 timed out",
            "the server accepted the connection but sent no SSH banner for 8 s",
            PortState.SILENT,
        ),
        (
            "ssh: connect to host 192.0.2.1 port 22: No route to host",
            "there is no route to the server",
            PortState.NO_ROUTE,
        ),
        (
            "ssh: Could not resolve hostname db: Name or service not known",
            "the server's address does not resolve",
            PortState.NO_ADDRESS,
        ),
        ("deploy@192.0.2.1: Permission denied (publickey).", "the server refused the login", PortState.LOGIN_REFUSED),
        ("Host key verification failed.", "the server's host key does not match known_hosts", PortState.OTHER_KEY),
        ("Timeout, server 192.0.2.1 not responding.", "the server stopped answering", PortState.STOPPED),
        ("Connection to 192.0.2.1 closed by remote host.", "the server closed it", PortState.CUT),
        (
            "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535",
            "what ssh goes through to reach it, such as a jump host, gave no connection",
            PortState.FAILED,
        ),
        ("kex_exchange_identification: Connection closed by remote host", "the server closed it", PortState.CUT),
        ("channel 3: open failed: connect failed: Connection refused", "the server closed it", PortState.CUT),
        ("something new", "something new", PortState.CUT),
        ("", "the server closed it", PortState.CUT),
    ],
)
def test_what_ssh_says_last_becomes_one_sentence(
    ssh: Callable[[str], Connection], said: str, reason: str, met: PortState
) -> None:
    connection = ssh(FAILS.format(said=said))
    with pytest.raises(ConnectionLost) as caught:
        connection.ready().result(SOON)
    assert str(caught.value) == f"no SSH connection to the server: {reason}"
    assert caught.value.code is ReasonCode.NO_CONNECTION
    assert connection.port_state() is met
    connection.close()


def test_what_ssh_says_of_the_engines_socket_comes_into_no_answer(ssh: Callable[[str], Connection]) -> None:
    connection = ssh(WORKS)
    assert connection.run("echo out; echo err >&2", SOON).result(SOON).err == "err\n"
    assert connection.port_state() is PortState.OK
    connection.close()


def test_a_line_that_is_cut_is_the_one_reason_of_all_and_is_not_tried_again(
    ssh: Callable[[str], Connection], tmp_path: Path
) -> None:
    connection = ssh(ENDS)
    connection.ready().result(SOON)
    waiting = connection.run("exec tail -f /dev/null", 60)
    (tmp_path / "cut").touch()
    errors = {str(waiting.exception(SOON))}
    errors |= {str(connection.run("echo up", SOON, lane).exception(SOON)) for lane in ("quick", "docker", "slow")}
    assert errors == {"no SSH connection to the server: the server closed it"}
    assert len((tmp_path / "tried").read_text().splitlines()) == 3  # lanes that could only ride on the standing line
    assert connection.port_state() is PortState.CUT
    connection.close()


def test_a_machine_without_ssh_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = Connection(Target(name="x", environment="staging", address="192.0.2.1", domain="service.example"))
    with pytest.raises(
        ConnectionLost, match="no SSH connection to the server: ssh cannot be started: No such file or directory"
    ):
        connection.ready().result(SOON)
    connection.close()


def test_hanging_up_while_a_command_is_given_up_ends_at_once() -> None:
    """Both take the same locks, from opposite sides."""
    for _ in range(5):
        connection = Connection(
            Target(
                name="x",
                environment="staging",
                address="192.0.2.1",
                domain="service.example",
                ssh=SshSettings(local=True),
            )
        )
        connection.ready().result(SOON)
        hung = [connection.run("exec tail -f /dev/null", 0.05, lane) for lane in ("quick", "docker")]
        for one in hung:
            one.exception(SOON)
        begun = time.monotonic()
        connection.close()
        assert time.monotonic() - begun < 1


def test_a_line_that_still_begins_has_met_no_answer_yet(ssh: Callable[[str], Connection]) -> None:
    connection = ssh("#!/bin/sh\nexec tail -f /dev/null\n")
    assert connection.port_state() is None
    connection.ready()
    assert connection.port_state() is PortState.NOT_YET
    connection.close()


def test_a_local_line_has_nothing_to_tell_of_ssh() -> None:
    connection = Connection(
        Target(
            name="x", environment="staging", address="192.0.2.1", domain="service.example", ssh=SshSettings(local=True)
        )
    )
    connection.ready().result(SOON)
    assert connection.port_state() is None
    connection.close()


def mark() -> str:
    """A word in an argument list, by which a process is found."""
    return f"/nowhere/{secrets.token_hex(8)}"


def running(mark: str) -> bool:
    """Whether a process has this word among its arguments."""
    return subprocess.run(["pgrep", "-f", "--", mark], capture_output=True, check=False).returncode == 0


def ends_soon(mark: str) -> bool:
    until = time.monotonic() + SOON
    while running(mark):
        if time.monotonic() > until:
            return False
    return True


@pytest.mark.parametrize("how", ["", "trap '' TERM; "])
def test_what_still_runs_on_the_server_is_ended_when_we_hang_up(ssh: Callable[[str], Connection], how: str) -> None:
    """Also what does not listen to a first word."""
    connection, marked = ssh(ELSEWHERE), [mark() for _ in LANES]
    waiting = [
        connection.run(f"{how}tail -f /dev/null {one}", 60, lane) for one, lane in zip(marked, LANES, strict=True)
    ]
    for one in marked:
        assert begins_soon(one)
    began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < LAST_SESSION_SECONDS + 2
    assert all(ends_soon(one) for one in marked)
    assert {str(one.exception(SOON)) for one in waiting} == {"the connection was closed"}


def begins_soon(mark: str) -> bool:
    until = time.monotonic() + SOON
    while not running(mark):
        if time.monotonic() > until:
            return False
    return True


def test_a_server_that_takes_no_last_session_holds_nobody_up(ssh: Callable[[str], Connection], tmp_path: Path) -> None:
    connection = ssh(f"#!/bin/sh\n[ ! -e {tmp_path}/full ] || exec tail -f /dev/null\n{WORKS.partition(chr(10))[2]}")
    connection.ready().result(SOON)
    waiting = connection.run("exec tail -f /dev/null", 60)
    (tmp_path / "full").touch()
    began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < LAST_SESSION_SECONDS + 2
    assert isinstance(waiting.exception(SOON), ConnectionLost)


def test_what_ssh_has_started_here_ends_with_it(ssh: Callable[[str], Connection]) -> None:
    """Such as the ssh to a jump host, which says nothing any more."""
    marked = mark()
    connection = ssh(HAS_A_JUMP.format(mark=marked))
    connection.ready().result(SOON)
    assert running(marked)
    connection.close()
    assert ends_soon(marked)


def test_a_line_does_not_outlive_a_runner_that_is_killed(ssh: Callable[[str], Connection]) -> None:
    """It would stay for as long as a command hangs on the server."""
    marked = mark()
    ssh(f"#!/bin/sh\nexec tail -f /dev/null {marked}\n").close()  # it writes the stand-in
    with subprocess.Popen([sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"ready\n"
        assert begins_soon(marked)
        runner.kill()
    assert ends_soon(marked)


def test_nothing_is_started_any_more_once_the_connection_is_closed(ssh: Callable[[str], Connection]) -> None:
    marked = mark()
    connection = ssh(f"#!/bin/sh\nexec tail -f /dev/null {marked}\n")
    connection.close()
    assert isinstance(connection.ready().exception(SOON), ConnectionLost)
    assert not running(marked)


@pytest.mark.parametrize("lane", LANES)
def test_a_question_is_put_without_waiting_for_the_line(ssh: Callable[[str], Connection], lane: Lane) -> None:
    """Else those that need no line would wait behind it."""
    connection = ssh("#!/bin/sh\nexec tail -f /dev/null\n")
    began = time.monotonic()
    waiting = connection.run("echo up", SOON, lane)
    assert time.monotonic() - began < 2
    assert not waiting.done()
    connection.close()
    assert isinstance(waiting.exception(SOON), ConnectionLost)


def test_questions_that_came_before_the_greeting_are_answered_after_it(ssh: Callable[[str], Connection]) -> None:
    connection = ssh(WORKS)
    waiting = [connection.run(f"echo {number}", SOON, "docker") for number in range(20)]
    assert [one.result(SOON).out for one in waiting] == [f"{number}\n" for number in range(20)]
    connection.close()


@pytest.mark.parametrize(
    ("banner", "met"),
    [
        ("ssh: connect to host 192.0.2.1 port 22: Connection refused", PortState.CUT),
        ("Connection timed out during banner exchange", PortState.CUT),
        ("Host key verification failed.", PortState.CUT),
        ("sudo: a password is required", PortState.CUT),
    ],
)
def test_what_the_server_says_is_not_taken_for_ssh_saying_it(
    ssh: Callable[[str], Connection], banner: str, met: PortState
) -> None:
    connection = ssh(f"#!/bin/sh\necho '{banner}' >&2\nexit 255\n")
    assert isinstance(connection.ready().exception(SOON), ConnectionLost)
    assert connection.port_state() is met
    connection.close()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Couldn't open logfile /tmp/x/ssh-0.log: Read-only file system", "there is no folder here in which ssh"),
        ("No user exists for uid 54321", "ssh itself refuses an account here that has no name"),
    ],
)
def test_what_ssh_says_before_it_has_a_log_is_its_own(said: str, sentence: str) -> None:
    assert sentence in str(line_lost("", f"{said}\r\n"))
    assert sentence not in str(line_lost("debug: authenticated", said))


def test_what_ssh_says_where_the_server_speaks_means_no_more_than_that_it_was_cut() -> None:
    lost = line_lost("", "a banner\nConnection to 192.0.2.1 closed by remote host.\r\n")
    assert (str(lost), lost.port_state) == ("no SSH connection to the server: the server closed it", PortState.CUT)


def test_what_the_server_says_within_a_line_of_sshs_log_is_not_taken_for_ssh_saying_it() -> None:
    log = "Received disconnect from 192.0.2.1 port 22:2: no route to host, connection refused, timed out"
    assert line_lost(log, "").port_state is PortState.CUT


@given(log=st.text(), said=st.text())
def test_whatever_ssh_says_it_is_one_sentence(log: str, said: str) -> None:
    assert len(str(line_lost(log, said)).splitlines()) == 1
