"""Where the service is found: the domain's addresses, the ports, and the logs that the runbook names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc

from checks.formats.ages import Ago, ago
from checks.formats.instants import instant_of
from runbook.model import rights
from runbook.model.outcome import NotApplicable
from runbook.model.outside_questions import DnsQuery, PortProbe
from runbook.model.port_state import PortState
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

NAME = DnsQuery(seconds=4)
HTTP, HTTPS, SSH = PortProbe("http", seconds=4), PortProbe("https", seconds=4), PortProbe("ssh", seconds=10)

SERVICE_LOGS = Command(
    "date '+now %s'; for log in {monitor_log} {backup_log}; do "
    '[ ! -e "$log" ] || stat -L -c \'log %Y %s %F %n\' -- "$log" || exit; done',
    needs=rights.ROOT,
)

DELETED_LOGS = Command(
    cleandoc(
        r"""find /proc/1/fd -maxdepth 1 -lname '*' >/dev/null || exit
    for open in $(find /proc/[0-9]*/fd -maxdepth 1 -lname '*.log* (deleted)' 2>/dev/null); do
      printf 'open\t%s\t%s\n' "$(cat "${{open%/fd/*}}/comm" 2>/dev/null)" "$(readlink -- "$open")"
    done"""
    ),
    needs=rights.ROOT,
)
"""Who writes to a file that was taken away writes on, and nobody ever reads it."""

DELETED = " (deleted)"


@dataclass(frozen=True)
class LogFile:
    """A log of the service's scripts, as its file is."""

    path: str
    regular: bool
    size_bytes: int
    written: Ago


@dataclass(frozen=True)
class OpenDeletedLog:
    """A process that has a log open which is no longer there."""

    program: str
    path: str

    def __str__(self) -> str:
        return f"{self.program or 'a process'} has {self.path} open, which was deleted"


@dataclass(frozen=True)
class DomainRecord:
    """Where the domain leads, and where it should.

    Attributes:
        refusal: Why the resolver names no address; None where it does.
    """

    address: str
    found: tuple[str, ...]
    refusal: str | None


@dataclass(frozen=True)
class PortCheck:
    """One of the target's ports, and what a connection to it has met."""

    serves: str
    number: int
    met: PortState

    def __str__(self) -> str:
        return f"port {self.number} ({self.serves}): {self.met}"


def domain_leads(snapshot: Snapshot) -> DomainRecord:
    """What the target's resolver says of the domain.

    Raises:
        NotApplicable: The target names no resolver, or its address is a name.
    """
    target = snapshot.target
    if target.dns.resolver is None:
        raise NotApplicable("the target names no resolver to ask (key dns.resolver)")
    try:
        address = str(ipaddress.ip_address(target.address))
    except ValueError:
        raise NotApplicable("the target's address is a host name, not an IP address") from None
    told = snapshot.ask(NAME)
    return DomainRecord(address, told.addresses, told.refusal)


def ports(snapshot: Snapshot) -> tuple[PortCheck, ...]:
    """The ports by which the target is reached: those of HTTP and HTTPS, and that of ssh where there is one."""
    target = snapshot.target
    numbers = {HTTP: target.edge.http_port, HTTPS: target.edge.https_port}
    if not target.ssh.local:
        numbers[SSH] = target.ssh.port
    met = snapshot.ask_all(numbers)
    return tuple(PortCheck(one.serves, number, how) for (one, number), how in zip(numbers.items(), met, strict=True))


def service_logs(snapshot: Snapshot) -> tuple[LogFile, ...]:
    """The logs of the service's scripts, those that are there."""
    told = snapshot.ask(SERVICE_LOGS).required("the logs of the service's scripts")
    with reading("the logs of the service's scripts"):
        return read_service_logs(told.out)


def writers_to_deleted_logs(snapshot: Snapshot) -> tuple[OpenDeletedLog, ...]:
    """Who has a log of the service open that was taken away."""
    told = snapshot.ask(DELETED_LOGS).required("what is open on the server")
    paths = snapshot.target.paths
    with reading("what is open on the server"):
        every = read_writers(told.out)
    logs = (paths.monitor_log, paths.backup_log, paths.cleanup_log)
    return tuple(one for one in every if is_of_service(one.path, logs, paths.docker))


def is_of_service(path: str, logs: Iterable[str], docker_root: str) -> bool:
    """Whether it is, or was rotated from, one of these logs, or is a container's."""
    return (
        path.startswith(tuple(logs))
        or re.fullmatch(rf"{re.escape(docker_root)}/containers/.*\.log.*", path) is not None
    )


def read_service_logs(text: str) -> tuple[LogFile, ...]:
    """Read the answer to `SERVICE_LOGS`.

    Raises:
        ValueError: A line is not of its form.
    """
    first, *rest = lines_of(text)
    now = instant_of(first.removeprefix("now "))
    return tuple(_log_file(line, now) for line in rest)


def _log_file(line: str, now: datetime) -> LogFile:
    found = re.fullmatch(r"log (\d+) (\d+) (.+?) (/.*)", line, re.ASCII | re.DOTALL)
    if found is None:
        raise ValueError("there is an unexpected line")
    return LogFile(found[4], found[3].startswith("regular"), int(found[2]), ago(instant_of(found[1]), now))


def read_writers(text: str) -> tuple[OpenDeletedLog, ...]:
    """Read the answer to `DELETED_LOGS`; what was closed meanwhile has no path any more.

    Raises:
        ValueError: A line is not of its form.
    """
    rows = [line.split("\t") for line in lines_of(text)]
    if any(len(row) != 3 or row[0] != "open" for row in rows):
        raise ValueError("there is an unexpected line")
    return tuple(
        OpenDeletedLog(program, path.removesuffix(DELETED)) for _, program, path in rows if path.endswith(DELETED)
    )
