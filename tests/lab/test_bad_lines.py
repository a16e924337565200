"""A bad line to the server: tried once, everything inside undetermined at once, and one line that tells what is down.

Nothing here reaches beyond loopback: each bad line is a port of this machine, or the lab's own sshd.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lab import fault_helpers
from lab.server import Server
from runbook.model.outcome import Outcome
from tests.lab.looking import ROOT, RUNBOOK, Verified, verify
from tests.lab.sampling import sampled
from tests.lab.test_triage import triaged
from tests.resolver import Resolver
from tests.waiting import until

pytestmark = pytest.mark.timed

LIMIT_SECONDS = 20.0
OUTSIDE = {"the-api-is-healthy", "the-certificate-is-trusted", "plain-http-redirects-to-https"}
ASKED_OF_OTHERS = {
    "github-actions-has-its-secrets",
    "the-off-site-bucket-is-not-public",
    "the-off-site-bucket-has-versioning-enabled",
}
HANGING = "/usr/local/bin/df"
HANG = f"printf '#!/bin/sh\\nexec sleep 4321\\n' > {HANGING} && chmod +x {HANGING}"
HANGS = "pgrep -f '[s]leep 4321'"
UNHANG = f"rm -f {HANGING}; pkill -f '[s]leep 4321' || :"
SSHD_AGAIN = "pkill -CONT -x sshd; pgrep -x sshd > /dev/null || /usr/sbin/sshd"


@pytest.fixture
def address(lab: Server) -> str:
    """The lab's address, on which ports of this machine can be had as well."""
    found = re.search(r'^address = "(.+)"$', (lab.state / "target.toml").read_text(), re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture
def target(lab: Server, tmp_path: Path) -> Callable[..., Path]:
    """The lab's target file with some of its values replaced and lines added at its end; no resolver in it."""

    def write(more: str = "", **values: object) -> Path:
        text = re.sub(r"\[dns\]\n(.+\n)*", "", (lab.state / "target.toml").read_text())
        for key, value in values.items():
            written = str(value) if isinstance(value, int) else f'"{value}"'
            text, count = re.subn(rf"^{key} = .*$", f"{key} = {written}", text, flags=re.MULTILINE)
            assert count == 1
        path = tmp_path / "target.toml"
        path.write_text(text + more)
        return path

    return write


@pytest.fixture
def badly(reports: Path) -> Callable[..., Verified]:
    """Verify, and hold the run to what every bad line must give."""

    def run(path: Path, meanwhile: Callable[[], None] | None = None, fails: frozenset[str] = frozenset()) -> Verified:
        begun = time.monotonic()
        helper = threading.Thread(target=meanwhile) if meanwhile else None
        if helper:
            helper.start()
        seen = verify(path, reports)
        took = time.monotonic() - begun
        if helper:
            helper.join()
        assert seen.code == (1 if fails else 3), seen.told()
        assert "Traceback" not in seen.screen
        assert not list(seen.folder.glob("own-fault-*")), seen.told()
        assert seen.ids(Outcome.FAILED) == fails, seen.told()
        assert took <= LIMIT_SECONDS, f"it took {took:.1f} s"
        return seen

    return run


def inside(seen: Verified) -> set[str | None]:
    """Why what is inside could not be told."""
    return {one.reason for one in seen.run.scenarios if one.outcome is Outcome.UNDETERMINED and one.because is None}


def port_that_nobody_listens_on(address: str) -> int:
    with socket.create_server((address, 0)) as line:
        return int(line.getsockname()[1])


@contextmanager
def silent(address: str) -> Iterator[tuple[int, list[socket.socket]]]:
    """A port that takes connections and never says anything; what it has taken so far."""
    taken: list[socket.socket] = []
    with socket.create_server((address, 0)) as listener, ExitStack() as stack:

        def take() -> None:
            while True:
                try:
                    taken.append(stack.enter_context(listener.accept()[0]))
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield int(listener.getsockname()[1]), taken
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def dead(address: str) -> Iterator[int]:
    """A port at which packets are lost: its queue is full, and the kernel drops what comes."""
    with socket.create_server((address, 0), backlog=0) as listener, ExitStack() as stack:
        where = listener.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(where)
        yield int(where[1])


@pytest.mark.only_looks
def test_a_closed_ssh_port(address: str, target: Callable[..., Path], badly: Callable[..., Verified]) -> None:
    port = port_that_nobody_listens_on(address)
    seen = badly(target(port=port))
    assert inside(seen) == {"no SSH connection to the server: the SSH port is closed"}
    assert seen.ids(Outcome.PASSED) >= OUTSIDE
    assert seen.run.line == (
        f"psytech.jp: DNS not asked · 22443 ok · {port} refused → the host is up, its sshd alone is down"
    )


@pytest.mark.only_looks
def test_the_line_stands_once_on_the_screen_and_once_in_the_report(
    address: str, target: Callable[..., Path], badly: Callable[..., Verified]
) -> None:
    seen = badly(target(port=port_that_nobody_listens_on(address)))
    assert seen.run.line
    assert " ".join(seen.screen.split()).count(seen.run.line) == 1
    assert (seen.folder / "report.html").read_text().count(seen.run.line) == 1


@pytest.mark.only_looks
def test_a_wrong_host_key(
    lab: Server, target: Callable[..., Path], badly: Callable[..., Verified], tmp_path: Path
) -> None:
    config, strange = tmp_path / "ssh_config", tmp_path / "known_hosts"
    strange.touch()
    original = (lab.state / "ssh_config").read_text()
    config.write_text(original.replace(str(lab.state / "known_hosts"), str(strange)))
    seen = badly(target(config=config))
    assert inside(seen) == {"no SSH connection to the server: the server's host key does not match known_hosts"}
    assert seen.ids(Outcome.PASSED) >= OUTSIDE
    assert seen.run.line == (
        "psytech.jp: DNS not asked · 22443 ok · 22022 other host key → "
        "the host is up, its host key alone does not match known_hosts"
    )


@pytest.mark.only_looks
def test_a_host_that_takes_the_connection_and_never_answers(
    address: str, target: Callable[..., Path], badly: Callable[..., Verified]
) -> None:
    with silent(address) as (port, taken):
        seen = badly(target(port=port))
    assert len(taken) == 1, "the connection is tried once"
    assert inside(seen) == {
        "no SSH connection to the server: the server accepted the connection but sent no SSH banner for 8 s"
    }
    assert seen.ids(Outcome.PASSED) >= OUTSIDE
    assert seen.run.line == (
        f"psytech.jp: DNS not asked · 22443 ok · {port} silent → "
        "the host is up, its sshd alone accepts connections but gives no shell"
    )


@pytest.mark.only_looks
def test_a_dead_host(address: str, target: Callable[..., Path], badly: Callable[..., Verified]) -> None:
    with dead(address) as ssh, dead(address) as https, dead(address) as http:
        seen = badly(target(port=ssh, https_port=https, http_port=http))
    assert seen.ids(Outcome.PASSED) <= ASKED_OF_OTHERS
    assert seen.run.line == (
        f"psytech.jp: DNS not asked · {https} timed out · {ssh} timed out → the host is down or cut off from here"
    )


@pytest.mark.only_looks
def test_the_edge_alone(address: str, target: Callable[..., Path], badly: Callable[..., Verified]) -> None:
    port = port_that_nobody_listens_on(address)
    seen = badly(target(https_port=port), fails=frozenset({"the-ports-answer"}))
    assert "the-web-release-is-up" in seen.ids(Outcome.PASSED)
    assert seen.run.line == (
        f"psytech.jp: DNS not asked · {port} refused · 22022 ok → the host is up, its edge alone is down"
    )


@pytest.mark.only_looks
@pytest.mark.parametrize(
    ("leads_to", "shown", "follows"),
    [
        ("its address", "DNS ok", "its sshd alone is down"),
        ("198.51.100.7", "DNS 198.51.100.7", "its name resolves to 198.51.100.7 instead of {}, its sshd is down"),
        (None, "DNS no such name", "its name does not resolve (no such name), its sshd is down"),
    ],
)
def test_the_name_is_asked_of_the_targets_own_resolver(
    address: str,
    target: Callable[..., Path],
    badly: Callable[..., Verified],
    leads_to: str | None,
    shown: str,
    follows: str,
) -> None:
    port = port_that_nobody_listens_on(address)
    answers = address if leads_to == "its address" else leads_to
    with Resolver({"psytech.jp": answers} if answers else {}) as resolver:
        more = f'\n[dns]\nresolver = "{resolver.address}"\nport = {resolver.port}\n'
        misled = frozenset() if answers == address else frozenset({"the-domain-resolves-to-the-server"})
        seen = badly(target(more, port=port), fails=misled)
    assert set(resolver.asked) == {"psytech.jp"}
    assert seen.run.line == (
        f"psytech.jp: {shown} · 22443 ok · {port} refused → the host is up, {follows.format(address)}"
    )


@pytest.mark.only_looks
def test_a_certificate_that_is_not_trusted_stands_in_the_line(
    address: str, target: Callable[..., Path], reports: Path, tmp_path: Path
) -> None:
    strange = tmp_path / "ca.pem"
    strange.write_bytes(_another_authority())
    port = port_that_nobody_listens_on(address)
    seen = verify(target(port=port, ca_file=strange), reports)
    assert seen.run.line
    assert re.fullmatch(
        rf"psytech\.jp: DNS not asked · 22443 certificate not trusted \(.+\) · {port} refused → "
        r"the host is up, its certificate is not trusted, its sshd is down",
        seen.run.line,
    )


def _another_authority() -> bytes:
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", "/dev/null", "-subj", "/CN=another", "-days", "1"),
        ],
        capture_output=True,
        check=True,
    )
    return made.stdout


@pytest.fixture
def hanging(lab: Server) -> Iterator[None]:
    """A command on the lab that never ends."""
    lab.run(HANG).required()
    yield
    lab.run(f"{UNHANG}; {SSHD_AGAIN}").required()


@pytest.mark.usefixtures("hanging")
def test_a_command_that_hangs_is_undetermined_alone_and_ended_on_the_server(
    lab: Server, target: Callable[..., Path], badly: Callable[..., Verified]
) -> None:
    seen = badly(target())
    untold = [one for one in seen.run.scenarios if one.outcome is Outcome.UNDETERMINED]
    assert {one.reason for one in untold if one.section == "6.3"} == {"no answer within 5 s"}
    assert {one.section for one in untold} <= {"6.3", "4.1", "9.3", "10"}
    assert seen.run.line is None
    lab.wait_until(f"! {HANGS}", seconds=10, what="the command that hung has been ended")


def test_a_docker_engine_that_hangs_holds_nothing_else_up(lab: Server, look: Callable[..., Verified]) -> None:
    """The containers find each other by its own DNS, so the service really is degraded meanwhile."""
    begun = time.monotonic()
    lab.run("pkill -STOP -x dockerd").required()
    try:
        seen = look()
    finally:
        lab.run("pkill -CONT -x dockerd").required()
    assert time.monotonic() - begun <= LIMIT_SECONDS
    silent_engine = "the Docker Engine gave no answer within 10 s"
    assert {silent_engine} <= inside(seen) <= {silent_engine, "no answer within 5 s"}
    assert {"the-certificate-is-trusted", "there-are-backups", "cron-is-running"} <= seen.ids(Outcome.PASSED)
    lab.wait_until(fault_helpers.EDGE_ANSWERS, seconds=30, what="the service answers again after its engine hung")


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize(
    ("what", "reason", "met", "follows"),
    [
        ("KILL", "the server closed it", "cut", "its SSH connection alone was cut"),
        ("STOP", "the server stopped answering", "stopped answering", "its SSH connection alone stopped answering"),
    ],
)
def test_sshd_ends_in_the_middle_of_a_run(
    lab: Server,
    target: Callable[..., Path],
    badly: Callable[..., Verified],
    what: str,
    reason: str,
    met: str,
    follows: str,
) -> None:
    def strike() -> None:
        lab.wait_until(HANGS, seconds=15, what="verify has begun the command that hangs")
        lab.run(f"pkill -{what} -x sshd").required()

    seen = badly(target(), strike)
    assert inside(seen) == {f"no SSH connection to the server: {reason}"}
    assert seen.ids(Outcome.PASSED) >= OUTSIDE
    assert seen.run.line == f"psytech.jp: DNS not asked · 22443 ok · 22022 {met} → the host is up, {follows}"


def restart_sshd(lab: Server) -> None:
    lab.run("pkill -x sshd").required()
    lab.wait_until("! pgrep -x sshd", seconds=10, what="sshd has ended")
    lab.run("/usr/sbin/sshd").required()


def forwards(lab: Server, address: str, folder: Path) -> bool:
    """Whether the lab's sshd lets an operator through to its Docker Engine's socket."""
    near = folder / "engine.sock"
    near.unlink(missing_ok=True)
    ssh = ["ssh", "-F", str(lab.state / "ssh_config"), "-l", "root", "-L", f"{near}:/var/run/docker.sock"]
    with subprocess.Popen([*ssh, address, "echo up; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as line:
        assert line.stdout
        assert line.stdout.readline() == b"up\n"
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(5)
            engine.connect(str(near))
            try:
                engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                answered = engine.recv(64)
            except ConnectionError:
                answered = b""
        line.terminate()
    return answered.startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize("setting", ["AllowStreamLocalForwarding no", "DisableForwarding yes"])
def test_where_forwarding_is_forbidden_the_outcomes_are_the_same(
    lab: Server, look: Callable[..., Verified], address: str, tmp_path: Path, setting: str
) -> None:
    wanted = look()
    assert forwards(lab, address, tmp_path)
    file, kept = "/etc/ssh/sshd_config", "/run/sshd_config.kept"
    lab.run(f"cp -p {file} {kept} && sed -i '1i {setting}' {file}").required()
    try:
        restart_sshd(lab)
        assert not forwards(lab, address, tmp_path)
        seen = look()
    finally:
        lab.run(f"mv {kept} {file}").required()
        restart_sshd(lab)
    assert {one.id: one.outcome for one in seen.run.scenarios} == {one.id: one.outcome for one in wanted.run.scenarios}
    assert seen.run.line is None


@pytest.mark.only_looks
def test_an_account_without_docker(as_account: Callable[..., Path], badly: Callable[..., Verified]) -> None:
    seen = badly(as_account("guest"))
    assert seen.run.line is None


@pytest.mark.only_looks
@pytest.mark.parametrize("bad", sampled(["closed", "silent", "dead"], 1))
def test_triage_says_in_ten_seconds_that_the_server_is_out_of_reach_and_what_to_do(
    address: str, target: Callable[..., Path], tmp_path: Path, bad: str
) -> None:
    with ExitStack() as stack:
        if bad == "closed":
            ports = {"port": port_that_nobody_listens_on(address)}
        elif bad == "silent":
            ports = {"port": stack.enter_context(silent(address))[0]}
        else:
            ports = {name: stack.enter_context(dead(address)) for name in ("port", "https_port", "http_port")}
        seen = triaged(target(**ports), tmp_path / "reports")
    assert seen.code == 3, seen.screen
    assert seen.lines[0].startswith("psytech.jp: DNS not asked · ")
    assert seen.lines[2].startswith("1. ? UNDETERMINED  The server cannot be reached over SSH: ")
    assert seen.lines[2].endswith(" → runbook section 1")
    assert seen.lines[3].startswith("    what to do: ")
    assert not re.search(r"^2\. ", seen.screen, re.MULTILINE), seen.screen


@pytest.mark.only_looks
def test_ctrl_c_while_a_silent_host_is_waited_for_ends_at_once(
    address: str, target: Callable[..., Path], tmp_path: Path
) -> None:
    with silent(address) as (port, taken):
        command = [*RUNBOOK, "verify", "--target", str(target(port=port)), "--reports", str(tmp_path / "reports")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until("verify has come to the silent port", lambda: taken, 10)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130, said
    assert time.monotonic() - begun < 5
    assert "Traceback" not in said
