"""Section 3: what an incident is told by works, and tells of none now."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.database.service_logins import Login
from checks.database.sessions import Session, Sessions
from checks.docker.container_logs import ReadLog
from checks.docker.containers import Fleet
from checks.docker.resource_usage import Usages
from runbook.model.outcome import Undetermined, require


@then("the log of every web release and of the database can be read")
def the_logs_can_be_read(read_logs: tuple[ReadLog, ...]) -> None:
    unread = [f"docker logs {one.container.name} ended with {one.status}" for one in read_logs if one.status != 0]
    require(
        read_logs and not unread,
        expected="logs that docker can show",
        actual=unread or "neither a web release nor the database",
        section="9.1",
    )


@then("the log of every running web release is not empty")
def the_logs_are_written_to(read_logs: tuple[ReadLog, ...], fleet: Fleet) -> None:
    empty = [one.container.name for one in read_logs if one.container in fleet.running_releases and not one.characters]
    require(
        not empty, expected="something in every log", actual=[f"nothing of {name}" for name in empty], section="9.1"
    )


@then("the running release's own credentials log in to the database over the network")
def the_database_lets_the_application_in(database_login: Login) -> None:
    _require_login(database_login, "3.2")


@then("the running release's own credentials log in to Redis over the network")
def redis_lets_the_application_in(redis_login: Login) -> None:
    _require_login(redis_login, "8.1")


def _require_login(login: Login, go_to: str) -> None:
    require(login.answered, expected=f"{login.release.name} logged in", actual=f"“{login.said}”", section=go_to)


@then(parsers.parse("no query has been running for {limit:d} s or longer"))
def no_query_is_slow(sessions: Sessions, limit: int) -> None:
    slow = [
        f"{one} for {one.query_seconds:.0f} s" for one in sessions.others if one.works and one.query_seconds >= limit
    ]
    require(not slow, expected=f"queries of less than {limit} s", actual=slow, section="3.3")


@then(parsers.parse("no session has been idle in transaction for {limit:d} s or longer"))
def no_transaction_is_left_open(sessions: Sessions, limit: int) -> None:
    left = [
        f"{one} for {one.state_seconds:.0f} s"
        for one in sessions.others
        if one.holds_transaction and one.state_seconds >= limit
    ]
    require(not left, expected=f"no session idle in transaction for {limit} s", actual=left, section="3.3")


@then(parsers.parse("no query has been blocked by a lock for {limit:d} s or longer"))
def nobody_waits_for_a_lock(sessions: Sessions, limit: int) -> None:
    waiting = [
        f"{one} for {one.query_seconds:.0f} s, blocked by {_processes(one)}"
        for one in sessions.others
        if one.waits_for_lock and one.query_seconds >= limit
    ]
    require(not waiting, expected=f"no query blocked by a lock for {limit} s", actual=waiting, section="3.3")


def _processes(session: Session) -> str:
    return ", ".join(f"process {pid}" for pid in session.blocked_by) or "nobody any more"


@then(parsers.parse("less than {limit:d} % of the database's connections are in use"))
def the_database_has_connections_left(sessions: Sessions, limit: int) -> None:
    require(
        sessions.taken_percent < limit,
        expected=f"less than {limit} % of {sessions.allowed} connections",
        actual=f"{sessions.taken}, {sessions.taken_percent:.0f} %",
        section="3.3",
    )


@then(parsers.parse("every container uses less than {limit:d} % of the memory available to it"))
def every_container_has_memory_left(usage: Usages, limit: int) -> None:
    short = [
        f"{one.container.name} uses {one.memory_percent:.0f} % of {one.may_have_bytes / 1e6:.0f} MB"
        for one in usage.found
        if one.memory_percent >= limit
    ]
    _require_none(usage, short, f"less than {limit} %")


@then("no process in a running container was OOM-killed since the container started")
def nothing_was_killed_for_want_of_memory(usage: Usages) -> None:
    kills = {one.container.name: one.counted.out_of_memory_kills for one in usage.found}
    _require_none(usage, [f"{count} in {name}" for name, count in kills.items() if count], "no process killed")
    if uncounted := [name for name, count in kills.items() if count is None]:
        raise Undetermined(f"the kernel does not count what was killed in {', '.join(uncounted)}")


@then(parsers.parse("every container with a CPU limit was throttled in less than {limit:d} % of its periods"))
def no_container_is_held_back(usage: Usages, limit: int) -> None:
    slow = [
        f"{one.container.name} in {one.held_back_percent:.0f} %"
        for one in usage.found
        if one.held_back_percent >= limit
    ]
    _require_none(usage, slow, f"less than {limit} %")


def _require_none(usage: Usages, beyond: list[str], expected: str) -> None:
    """None beyond its limit is told; that each is within it, only where each was seen."""
    require(not beyond, expected=expected, actual=beyond, section="3.3")
    usage.require_all()
    require(usage.found, expected=expected, actual="no running container", section="3.3")
