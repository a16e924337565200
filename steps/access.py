"""Section 1: the service is where the runbook says, and its logs are too."""

from __future__ import annotations

from datetime import timedelta

from pytest_bdd import parsers, then

from checks.server.cron_jobs import MINUTES, Job
from checks.server.host_keys import HostKey
from checks.server.ports_and_logs import DomainRecord, LogFile, OpenDeletedLog, PortCheck
from runbook.model.outcome import Undetermined, require

MB = 1_000_000


@then("the domain resolves to the server's address and to no other")
def the_domain_leads_to_the_server(domain_leads: DomainRecord) -> None:
    require(
        set(domain_leads.found) == {domain_leads.address},
        expected=domain_leads.address,
        actual=domain_leads.refusal or domain_leads.found or "no address",
        section="1",
    )


@then("the HTTP, HTTPS and SSH ports accept connections and speak their protocols")
def the_ports_answer(ports: tuple[PortCheck, ...]) -> None:
    closed = [one for one in ports if one.met.closed]
    require(ports and not closed, expected="an answer at every port", actual=closed or "no port", section="3.1")
    silent = [str(one) for one in ports if not one.met.answered]
    if silent:
        raise Undetermined(f"from here: {', '.join(silent)}")


@then("every host key of a type in known_hosts matches known_hosts")
def the_host_keys_are_known(host_keys: tuple[HostKey, ...]) -> None:
    strangers = [one for one in host_keys if one.compared and not one.known]
    require(
        any(one.known for one in host_keys) and not strangers,
        expected="the keys in known_hosts; verify a different one at the server itself",
        actual=strangers or "none of the known ones",
        section="1",
    )


@then(
    parsers.re(
        r"the log of (?P<script>\S+) exists and was written to less than (?P<limit>\d+) (?P<unit>minute|hour)s ago"
    )
)
def the_log_is_written_to(
    service_logs: tuple[LogFile, ...], cron_jobs: dict[str, Job], script: str, limit: str, unit: str
) -> None:
    path = cron_jobs[script].log
    log = next((one for one in service_logs if one.path == path), None)
    require(
        log and log.regular and log.written.less_than(timedelta(minutes=int(limit) * MINUTES[unit])),
        expected=f"{path}, written to less than {limit} {unit}s ago",
        actual=_written(log) if log else f"no {path}",
        section="6.4",
    )


def _written(log: LogFile) -> str:
    if not log.regular:
        return f"{log.path} is not a file"
    return f"{log.path} was written to {log.written}"


@then(parsers.parse("no log of the service's scripts is larger than {limit:d} MB"))
def the_logs_are_rotated(service_logs: tuple[LogFile, ...], limit: int) -> None:
    large = [f"{one.path} has {one.size_bytes / MB:.0f} MB" for one in service_logs if one.size_bytes > limit * MB]
    require(
        service_logs and not large,
        expected=f"logs of {limit} MB at most",
        actual=large or "no log of the service's scripts",
        section="9.2",
    )


@then("no process has a deleted log file of the service open")
def nobody_writes_to_a_log_that_is_gone(writers_to_deleted_logs: tuple[OpenDeletedLog, ...]) -> None:
    require(
        not writers_to_deleted_logs,
        expected="only log files that still exist",
        actual=writers_to_deleted_logs,
        section="9.2",
    )
