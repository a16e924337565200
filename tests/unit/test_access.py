"""Where the domain leads and what becomes of the logs is read rightly, whatever is told."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.access import (
    NAME,
    Leads,
    LogFile,
    Writer,
    domain_leads,
    is_of_service,
    read_service_logs,
    read_writers,
)
from checks.cron import jobs_of
from runbook.outcome import Differs, NotApplicable
from runbook.question import Resolution
from runbook.target import Dns, Target
from steps.access import (
    nobody_writes_to_a_log_that_is_gone,
    the_domain_leads_to_the_server,
    the_log_is_written_to,
    the_logs_are_rotated,
)
from tests.unit.answering import looking

ADDRESS = "192.0.2.1"
TARGET = Target(name="t", environment="lab", address=ADDRESS, domain="example.test", dns=Dns(resolver="192.0.2.53"))
MONITOR, BACKUP = "/var/log/psyfit-monitor.log", "/var/log/psyfit-backup.log"


def _leads(*addresses: str, refusal: str | None = None) -> Leads:
    return looking(TARGET, {NAME: Resolution(addresses, refusal)}).see(domain_leads)


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
def test_another_address_or_one_more_is_told(leads: Leads, seen: str) -> None:
    with pytest.raises(Differs, match=f"seen: {seen};"):
        the_domain_leads_to_the_server(leads)


@pytest.mark.parametrize("changed", [{"dns": Dns()}, {"address": "host.example.test"}])
def test_without_a_resolver_or_an_address_there_is_nothing_to_compare(changed: dict[str, object]) -> None:
    with pytest.raises(NotApplicable):
        looking(TARGET.model_copy(update=changed), {}).see(domain_leads)


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
        (f"log 1790000000 100 regular file {MONITOR}\n", "written to 10 minutes ago"),
        (f"log 1790000600 100 directory {MONITOR}\n", "is no file"),
        (f"log 1790000600 100 regular file {BACKUP}\n", f"no {MONITOR}"),
        ("", f"no {MONITOR}"),
    ],
)
def test_a_log_that_is_not_is_told(text: str, seen: str) -> None:
    with pytest.raises(Differs, match=seen):
        _written(text)


def test_a_log_that_grows_for_ever_is_told() -> None:
    the_logs_are_rotated(_logs(f"log 1 20000000 regular file {MONITOR}\n"), 20)
    with pytest.raises(Differs, match=f"{MONITOR} has 21 MB"):
        the_logs_are_rotated(_logs(f"log 1 21000000 regular file {MONITOR}\n"), 20)
    with pytest.raises(Differs, match="no log"):
        the_logs_are_rotated((), 20)


def test_who_writes_to_a_log_that_is_gone_is_told() -> None:
    found = read_writers(f"open\tmonitor.sh\t{MONITOR}.1 (deleted)\nopen\tbash\t\n")
    assert found == (Writer("monitor.sh", f"{MONITOR}.1"),)
    with pytest.raises(Differs, match=r"monitor\.sh has /var/log/psyfit-monitor\.log\.1 open, which was taken away"):
        nobody_writes_to_a_log_that_is_gone(found)
    nobody_writes_to_a_log_that_is_gone(())


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
