"""The line to a server, with a stand-in for ssh: what it says last becomes one sentence, the same for all who wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.channel import LineLost
from runbook.connection import Connection, _line_lost
from runbook.met import Met
from runbook.target import Ssh, Target

SOON = 20.0
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
        ("ssh: connect to host 192.0.2.1 port 22: Connection refused", "the ssh port is closed", Met.REFUSED),
        (
            "ssh: connect to host 192.0.2.1 port 22: Connection timed out",
            "the ssh port did not answer within 8 s",
            Met.TIMED_OUT,
        ),
        (
            "Connection timed out during banner exchange\nConnection to 192.0.2.1 port 22 timed out",
            "the server took the connection and said nothing for 8 s",
            Met.SILENT,
        ),
        ("ssh: connect to host 192.0.2.1 port 22: No route to host", "there is no route to the server", Met.NO_ROUTE),
        (
            "ssh: Could not resolve hostname db: Name or service not known",
            "the server's address does not resolve",
            Met.NO_ADDRESS,
        ),
        ("deploy@192.0.2.1: Permission denied (publickey).", "the server refused the login", Met.LOGIN_REFUSED),
        ("Host key verification failed.", "the server's host key is not the known one", Met.OTHER_KEY),
        ("Timeout, server 192.0.2.1 not responding.", "the server stopped answering", Met.STOPPED),
        ("Connection to 192.0.2.1 closed by remote host.", "the server cut it", Met.CUT),
        ("channel 3: open failed: connect failed: Connection refused", "the server cut it", Met.CUT),
        ("something new", "something new", Met.CUT),
        ("", "the server cut it", Met.CUT),
    ],
)
def test_what_ssh_says_last_becomes_one_sentence(
    ssh: Callable[[str], Connection], said: str, reason: str, met: Met
) -> None:
    connection = ssh(FAILS.format(said=said))
    with pytest.raises(LineLost) as caught:
        connection.ready().result(SOON)
    assert str(caught.value) == f"no line to the server: {reason}"
    assert connection.met() is met
    connection.close()


def test_what_ssh_says_of_the_engines_socket_comes_into_no_answer(ssh: Callable[[str], Connection]) -> None:
    connection = ssh(WORKS)
    assert connection.run("echo out; echo err >&2", SOON).result(SOON).err == "err\n"
    assert connection.met() is Met.OK
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
    assert errors == {"no line to the server: the server cut it"}
    assert len((tmp_path / "tried").read_text().splitlines()) == 3  # lanes that could only ride on the standing line
    assert connection.met() is Met.CUT
    connection.close()


def test_a_machine_without_ssh_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = Connection(Target(name="x", environment="staging", address="192.0.2.1", domain="service.example"))
    with pytest.raises(LineLost, match="no line to the server: ssh cannot be started: No such file or directory"):
        connection.ready().result(SOON)
    connection.close()


def test_hanging_up_while_a_command_is_given_up_ends_at_once() -> None:
    """Both take the same locks, from opposite sides."""
    for _ in range(5):
        connection = Connection(
            Target(name="x", environment="staging", address="192.0.2.1", domain="service.example", ssh=Ssh(local=True))
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
    assert connection.met() is None
    connection.ready()
    assert connection.met() is Met.NOT_YET
    connection.close()


def test_a_local_line_has_nothing_to_tell_of_ssh() -> None:
    connection = Connection(
        Target(name="x", environment="staging", address="192.0.2.1", domain="service.example", ssh=Ssh(local=True))
    )
    connection.ready().result(SOON)
    assert connection.met() is None
    connection.close()


@given(log=st.text(), said=st.text())
def test_whatever_ssh_says_it_is_one_sentence(log: str, said: str) -> None:
    assert len(str(_line_lost(log, said)).splitlines()) == 1
