"""Where the domain leads and what becomes of the logs is read rightly, whatever is told."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats.ages import Ago
from checks.server.cron_jobs import jobs_of
from checks.server.host_keys import KEYS, HostKey, host_keys, read_host_keys
from checks.server.ports_and_logs import (
    DELETED_LOGS,
    HTTP,
    HTTPS,
    NAME,
    SSH,
    DomainRecord,
    LogFile,
    OpenDeletedLog,
    PortCheck,
    domain_leads,
    is_of_service,
    ports,
    read_service_logs,
    read_writers,
    writers_to_deleted_logs,
)
from runbook.model.outcome import Mismatch, NotApplicable, Undetermined
from runbook.model.outside_questions import Resolution
from runbook.model.port_state import PortState
from runbook.model.question import Output, Question
from runbook.model.target import DnsSettings, EdgeSettings, SshSettings, Target
from runbook.transport import known_hosts
from runbook.transport.http_tls import Outside
from steps.access import (
    nobody_writes_to_a_log_that_is_gone,
    the_domain_leads_to_the_server,
    the_host_keys_are_known,
    the_log_is_written_to,
    the_logs_are_rotated,
    the_ports_answer,
)
from tests.unit.answering import looking

ADDRESS = "192.0.2.1"
TARGET = Target(
    name="t", environment="lab", address=ADDRESS, domain="example.test", dns=DnsSettings(resolver="192.0.2.53")
)
MONITOR, BACKUP = "/var/log/psyfit-monitor.log", "/var/log/psyfit-backup.log"


def _leads(*addresses: str, refusal: str | None = None) -> DomainRecord:
    return looking(TARGET, {NAME: Resolution(addresses, refusal)}).observe(domain_leads)


def test_the_domain_leads_to_the_server() -> None:
    the_domain_leads_to_the_server(_leads(ADDRESS))


@pytest.mark.parametrize(
    ("leads", "seen"),
    [
        (_leads("192.0.2.2"), "192.0.2.2"),
        (_leads(ADDRESS, "192.0.2.2"), "192.0.2.1, 192.0.2.2"),
        (_leads(), "no address"),
        (_leads(refusal="no such name"), "no such name"),
    ],
)
def test_another_address_or_one_more_is_told(leads: DomainRecord, seen: str) -> None:
    with pytest.raises(Mismatch, match=f"seen: {seen};"):
        the_domain_leads_to_the_server(leads)


@pytest.mark.parametrize("changed", [{"dns": DnsSettings()}, {"address": "host.example.test"}])
def test_without_a_resolver_or_an_address_there_is_nothing_to_compare(changed: dict[str, object]) -> None:
    with pytest.raises(NotApplicable):
        looking(TARGET.model_copy(update=changed), {}).observe(domain_leads)


def _logs(text: str) -> tuple[LogFile, ...]:
    return read_service_logs(f"now 1790000600\n{text}")


def _written(text: str) -> None:
    the_log_is_written_to(_logs(text), jobs_of(TARGET), "monitor.sh", "7", "minute")


def test_a_log_that_is_written_to_is_well() -> None:
    _written(f"log 1790000300 100 regular file {MONITOR}\n")
    _written(f"log 1790000300 0 regular empty file {MONITOR}\n")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (f"log 1790000000 100 regular file {MONITOR}\n", "written to 10 min ago"),
        (f"log 1790000600 100 directory {MONITOR}\n", "is not a file"),
        (f"log 1790000600 100 regular file {BACKUP}\n", f"no {MONITOR}"),
        ("", f"no {MONITOR}"),
    ],
)
def test_a_log_that_is_not_is_told(text: str, seen: str) -> None:
    with pytest.raises(Mismatch, match=seen):
        _written(text)


def test_a_log_that_grows_for_ever_is_told() -> None:
    the_logs_are_rotated(_logs(f"log 1 20000000 regular file {MONITOR}\n"), 20)
    with pytest.raises(Mismatch, match=f"{MONITOR} has 21 MB"):
        the_logs_are_rotated(_logs(f"log 1 21000000 regular file {MONITOR}\n"), 20)
    with pytest.raises(Mismatch, match="no log"):
        the_logs_are_rotated((), 20)


def test_who_writes_to_a_log_that_is_gone_is_told() -> None:
    found = read_writers(f"open\tmonitor.sh\t{MONITOR}.1 (deleted)\nopen\tbash\t\n")
    assert found == (OpenDeletedLog("monitor.sh", f"{MONITOR}.1"),)
    with pytest.raises(Mismatch, match=r"monitor\.sh has /var/log/psyfit-monitor\.log\.1 open, which was deleted"):
        nobody_writes_to_a_log_that_is_gone(found)
    nobody_writes_to_a_log_that_is_gone(())


def test_a_log_is_as_old_as_its_last_line() -> None:
    assert _logs(f"log 1790000300 100 regular file {MONITOR}\n")[0].written == Ago(300)


def test_only_who_writes_to_a_log_of_the_service_is_seen() -> None:
    told = Output(0, f"open\tbash\t{MONITOR} (deleted)\nopen\tvi\t/tmp/x (deleted)\n", "")
    assert looking(TARGET, {DELETED_LOGS: told}).observe(writers_to_deleted_logs) == (OpenDeletedLog("bash", MONITOR),)


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        (MONITOR, True),
        (f"{BACKUP}-20260101", True),
        ("/var/lib/docker/containers/1/1-json.log", True),
        ("/var/log/syslog.log", False),
        ("/home/x.log", False),
    ],
)
def test_only_logs_of_the_service_count(path: str, ours: bool) -> None:
    assert is_of_service(path, (MONITOR, BACKUP), "/var/lib/docker") is ours


ROWS = st.sampled_from(["now 1", "log 1 2 regular file /x", "log 1 2 /x", "open\ta\t/x (deleted)", "open\ta", ""])


@given(st.text() | st.lists(ROWS).map("\n".join))
def test_whatever_is_told_of_logs_is_read_or_refused(text: str) -> None:
    for read in (read_service_logs, read_writers):
        with contextlib.suppress(ValueError):
            read(text)


# The ports


def _ports(
    http: PortState = PortState.OK, https: PortState = PortState.OK, ssh: PortState = PortState.OK
) -> tuple[PortCheck, ...]:
    return looking(TARGET, {HTTP: http, HTTPS: https, SSH: ssh}).observe(ports)


def test_the_ports_answer_be_it_with_no() -> None:
    the_ports_answer(_ports())
    the_ports_answer(_ports(https=PortState.NO_TLS, ssh=PortState.LOGIN_REFUSED))


@pytest.mark.parametrize("met", [PortState.REFUSED, PortState.CUT])
def test_a_port_at_which_nobody_serves_is_told(met: PortState) -> None:
    with pytest.raises(Mismatch, match=rf"seen: port 80 \(http\): {met};"):
        the_ports_answer(_ports(http=met, https=PortState.TIMED_OUT))


def test_without_a_port_nothing_answers() -> None:
    with pytest.raises(Mismatch, match="no port"):
        the_ports_answer(())


@pytest.mark.parametrize("met", [PortState.TIMED_OUT, PortState.NO_ROUTE, PortState.SILENT])
def test_a_port_that_is_silent_may_be_cut_off_from_here_alone(met: PortState) -> None:
    with pytest.raises(Undetermined, match=rf"from here: port 443 \(https\): {met}"):
        the_ports_answer(_ports(https=met))


def test_without_ssh_between_the_two_its_port_is_not_asked() -> None:
    assert [one.serves for one in _ports()] == ["http", "https", "ssh"]
    local = TARGET.model_copy(update={"ssh": SshSettings(local=True)})
    assert [one.serves for one in looking(local, {HTTP: PortState.OK, HTTPS: PortState.OK}).observe(ports)] == [
        "http",
        "https",
    ]
    with pytest.raises(NotApplicable):
        looking(local, {}).observe(host_keys)


@pytest.mark.parametrize(
    ("says", "http", "https"),
    [
        (b"HTTP/1.0 400 Bad\r\n\r\n", PortState.OK, PortState.NO_TLS),
        (b"", PortState.CUT, PortState.CUT),
        (None, PortState.SILENT, PortState.SILENT),
    ],
)
def test_a_port_is_known_by_its_first_words(says: bytes | None, http: PortState, https: PortState) -> None:
    """A server that says this, or hangs up, or takes connections and says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as taken:

        def serve() -> None:
            while True:
                try:
                    line = taken.enter_context(listener.accept()[0])
                except OSError:
                    return
                if says is not None:
                    with contextlib.suppress(OSError):  # whoever has heard enough hangs up
                        line.recv(1)
                        line.sendall(says)
                        line.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        edge = EdgeSettings(http_port=port, https_port=port)
        outside = Outside(TARGET.model_copy(update={"address": "127.0.0.1", "edge": edge}))
        quick = [replace(one, seconds=0.3 if says is None else 4) for one in (HTTP, HTTPS)]
        assert [outside.port(one) for one in quick] == [http, https]
        listener.shutdown(socket.SHUT_RDWR)
    assert outside.port(HTTP) == PortState.REFUSED


# The host keys

BLOB, OTHER = "AAAAC3NzaC1lZDI1NTE5AAAA", "AAAAC3NzaC1lZDI1NTE5BBBB"
SHOWN = f"/etc/ssh/ssh_host_ed25519_key.pub:ssh-ed25519 {BLOB} root@x\n/etc/ssh/ssh_host_rsa_key.pub:ssh-rsa {BLOB}\n"


@pytest.mark.parametrize(
    ("known", "seen"),
    [
        ({("ssh-ed25519", BLOB)}, None),
        ({("ssh-ed25519", BLOB), ("ssh-rsa", BLOB)}, None),
        ({("ssh-ed25519", BLOB), ("ssh-ed25519", OTHER)}, None),
        ({("ssh-ed25519", BLOB), ("ssh-rsa", OTHER)}, "/etc/ssh/ssh_host_rsa_key.pub is SHA256:"),
        ({("ssh-ed25519", OTHER)}, "/etc/ssh/ssh_host_ed25519_key.pub is SHA256:"),
        ({("ecdsa", BLOB)}, "none of the known ones"),
    ],
)
def test_a_host_key_of_a_known_kind_is_the_known_one(known: set[tuple[str, str]], seen: str | None) -> None:
    keys = tuple(read_host_keys(SHOWN, known))
    if seen is None:
        the_host_keys_are_known(keys)
        return
    with pytest.raises(Mismatch, match=f"seen: {seen}"):
        the_host_keys_are_known(keys)


@pytest.mark.parametrize("hashed", [False, True])
def test_what_ssh_knows_is_known(tmp_path: Path, hashed: bool) -> None:
    config, hosts = tmp_path / "config", tmp_path / "known_hosts"
    config.write_text(f"Host *\n  HostName 192.0.2.7\n  UserKnownHostsFile {hosts}\n  GlobalKnownHostsFile /dev/null\n")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    kind, blob, *_ = (tmp_path / "key.pub").read_text().split()
    hosts.write_text(f"[192.0.2.7]:2222 {kind} {blob}\n@revoked * {kind} {blob}\n192.0.2.7 {kind} {OTHER}\n")
    if hashed:
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", hosts], check=True, capture_output=True)
    target = TARGET.model_copy(update={"ssh": SshSettings(port=2222, config=config)})
    assert known_hosts.known_keys(target) == {(kind, blob)}
    answers: dict[Question[Any], object] = {KEYS: Output(0, f"/etc/ssh/ssh_host_ed25519_key.pub:{kind} {blob}\n", "")}
    assert [one.known for one in looking(target, answers).observe(host_keys)] == [True]
    hosts.unlink()
    with pytest.raises(Undetermined, match="known_hosts has no key of the server"):
        looking(target, answers).observe(host_keys)


def test_a_configuration_that_ssh_cannot_read_is_told(tmp_path: Path) -> None:
    target = TARGET.model_copy(update={"ssh": SshSettings(config=tmp_path / "missing")})
    with pytest.raises(Undetermined, match="ssh says here: "):
        known_hosts.known_keys(target)


@given(st.text())
def test_any_host_keys_are_read_or_refused(text: str) -> None:
    for told in (text, f"/x:ssh-rsa {text}"):
        with contextlib.suppress(ValueError):
            assert all(isinstance(one, HostKey) for one in read_host_keys(told, {("ssh-rsa", BLOB)}))
    assert all(len(key) == 2 for key in known_hosts.read_keys(text.splitlines()))
