"""What an incident is told by is read rightly: logins, sessions, logs, the kernel's counts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.database.service_logins import TO_DATABASE, TO_REDIS, Login, database_login, read_login
from checks.database.sessions import read_sessions
from checks.docker.container_logs import READABLE, read_logs, read_readable
from checks.docker.containers import CONTAINERS, NOW
from checks.docker.resource_usage import CGROUPS, Counted, Usages, read_counted, read_groups, usage
from runbook.model.outcome import Mismatch, Undetermined
from runbook.model.question import Command, Output, Question
from runbook.model.target import Target
from runbook.model.template import template_values
from runbook.transport.docker_engine import Scrubber
from steps.incidents import (
    every_container_has_memory_left,
    no_container_is_held_back,
    no_query_is_slow,
    no_transaction_is_left_open,
    nobody_waits_for_a_lock,
    nothing_was_killed_for_want_of_memory,
    the_database_has_connections_left,
    the_database_lets_the_application_in,
    the_logs_are_written_to,
    the_logs_can_be_read,
)
from tests.unit.answering import looking
from tests.unit.test_containers import INSPECTION, container, fleet_of, inspection, kept, server_with

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
CLOCK = Output(0, "1790000000\n", "")
WEB = "psyfit-web-1771900000"
PASSED_ON = "correct horse=battery $staple"

# Logs


def _logs(rows: str) -> Any:
    answers: dict[Question[Any], object] = {
        CONTAINERS: (inspection(),),
        NOW: CLOCK,
        READABLE.with_values(containers=[WEB]): Output(0, rows, ""),
    }
    return looking(TARGET, answers).observe(read_logs)


def test_logs_that_can_be_read_are_well() -> None:
    found = _logs(f"{WEB}\t0\t120\n")
    the_logs_can_be_read(found)
    the_logs_are_written_to(found, fleet_of(WEB))


def test_a_log_that_cannot_be_read_is_told() -> None:
    with pytest.raises(Mismatch, match=f"docker logs {WEB} ended with 1"):
        the_logs_can_be_read(_logs(f"{WEB}\t1\t80\n"))


def test_an_empty_log_of_a_running_release_is_told() -> None:
    with pytest.raises(Mismatch, match=f"nothing of {WEB}"):
        the_logs_are_written_to(_logs(f"{WEB}\t0\t0\n"), fleet_of(WEB))


def test_without_any_release_there_is_no_log() -> None:
    found = looking(TARGET, {CONTAINERS: (), NOW: CLOCK}).observe(read_logs)
    with pytest.raises(Mismatch, match="neither a web release nor the database"):
        the_logs_can_be_read(found)


@given(st.text())
def test_whatever_is_said_of_logs_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        read_readable(text)


# Logins


def _run(question: Command, tmp_path: Path, environment: str, **values: str) -> subprocess.CompletedProcess[str]:
    """Ask it of a server whose `docker` tells this environment, and then what it was given on its standard input."""
    (tmp_path / "environment").write_text(environment)
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\n'
        f"case $1 in inspect) cat {tmp_path}/environment ;; *) cat > {tmp_path}/given; echo 1 ;; esac\n"
    )
    program.chmod(0o755)
    return subprocess.run(
        ["sh", "-c", question.with_values(release=WEB, **values).render(template_values(TARGET))],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_applications_credentials_go_by_a_pipe_alone(tmp_path: Path) -> None:
    done = _run(
        TO_DATABASE, tmp_path, f"TZ=x\nPOSTGRES_PASSWORD={PASSED_ON}\nDATABASE_USER=app\nDATABASE_HOST=db\nOTHER=1\n"
    )
    assert (tmp_path / "given").read_text() == f"PGPASSWORD={PASSED_ON}\nPGUSER=app\nPGHOST=db\n"
    assert PASSED_ON not in (tmp_path / "arguments").read_text() + done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "given_to_it"),
    [
        (f"REDIS_PASSWORD={PASSED_ON}\n", f"REDISCLI_AUTH={PASSED_ON}\n"),
        ("REDIS_URL=redis://:hunter2@psyfit-redis:6379/0\n", "REDISCLI_AUTH=hunter2\n"),
        ("REDIS_URL=rediss://default:hunter2@psyfit-redis/1\n", "REDISCLI_AUTH=hunter2\n"),
        ("REDIS_URL=redis://psyfit-redis:6379/0\n", ""),
    ],
)
def test_so_do_those_of_redis(environment: str, given_to_it: str, tmp_path: Path) -> None:
    _run(TO_REDIS, tmp_path, environment)
    assert (tmp_path / "given").read_text() == given_to_it


def test_a_login_that_was_refused_says_so() -> None:
    said = 'psql: error: connection to server at "db", port 5432 failed: FATAL:  password authentication failed'
    login = read_login(container(), Output(2, "", f"{said}\nmore\n"), "1")
    with pytest.raises(Mismatch, match="password authentication failed"):
        the_database_lets_the_application_in(login)


@pytest.mark.parametrize(("out", "answered"), [("1\n", True), ("PONG\n", False), ("", False)])
def test_only_the_answer_itself_is_a_login(out: str, answered: bool) -> None:
    assert read_login(container(), Output(0, out, ""), "1").answered is answered


@pytest.mark.parametrize(
    "output",
    [
        Output(1, "", "Error response from daemon: paused"),
        Output(126, "", "not executable"),
        Output(127, "", "not found"),
    ],
)
def test_a_client_that_cannot_be_run_tells_nothing(output: Output) -> None:
    with pytest.raises(Undetermined):
        read_login(container(), output, "1")


def test_without_a_running_release_there_are_no_credentials() -> None:
    snapshot = looking(TARGET, {CONTAINERS: (inspection(Running=False),), NOW: CLOCK})
    with pytest.raises(Undetermined, match="no web release is running"):
        snapshot.observe(database_login)


@given(status=st.integers(0, 255), out=st.text(), err=st.text())
def test_whatever_a_client_says_is_a_login_or_not(status: int, out: str, err: str) -> None:
    with contextlib.suppress(Undetermined):
        assert isinstance(read_login(container(), Output(status, out, err), "1"), Login)


# Sessions


def _session(state: str, seconds: float, wait: tuple[str, str] = ("", ""), name: str = "psyfit-web") -> list[object]:
    return [7, state, seconds, seconds, wait[0] or None, wait[1] or None, name, [3] if wait[0] == "Lock" else None]


def _told(*rows: list[object], allowed: int = 97, taken: int = 10) -> str:
    return json.dumps([allowed, taken, list(rows) or None])


def test_a_session_that_began_ahead_of_the_clock_is_not_one_that_began_just_now() -> None:
    with pytest.raises(Undetermined, match="60 min ahead of the clock"):
        read_sessions(_told(_session("active", -3600)))
    no_query_is_slow(read_sessions(_told(_session("active", -60))), 5)


@pytest.mark.parametrize(("allowed", "taken"), [(0, 1), (-3, 1), (97, 0)])
def test_numbers_that_cannot_be_connections_are_refused(allowed: int, taken: int) -> None:
    with pytest.raises(ValueError, match="are not counts"):
        read_sessions(_told(allowed=allowed, taken=taken))


def test_nobody_else_is_there() -> None:
    found = read_sessions(_told())
    assert found.others == ()
    no_query_is_slow(found, 5)
    no_transaction_is_left_open(found, 5)
    nobody_waits_for_a_lock(found, 5)


def test_a_slow_query_is_told() -> None:
    with pytest.raises(Mismatch, match=r"process 7 \(psyfit-web\) for 6 s"):
        no_query_is_slow(read_sessions(_told(_session("active", 6.2))), 5)


def test_a_query_that_waits_for_a_disk_is_slow_all_the_same() -> None:
    with pytest.raises(Mismatch):
        no_query_is_slow(read_sessions(_told(_session("active", 6.2, ("IO", "DataFileRead")))), 5)


@pytest.mark.parametrize(
    "row",
    [
        _session("active", 4.9),
        _session("idle", 600),
        _session("active", 600, name="pg_dump"),
        _session("active", 600, ("Lock", "relation")),
        _session("idle in transaction", 600),
    ],
    ids=["quick", "idle", "a backup", "waits", "does nothing"],
)
def test_no_other_session_is_a_slow_query(row: list[object]) -> None:
    no_query_is_slow(read_sessions(_told(row)), 5)


@pytest.mark.parametrize("state", ["idle in transaction", "idle in transaction (aborted)"])
def test_a_transaction_left_open_is_told(state: str) -> None:
    no_transaction_is_left_open(read_sessions(_told(_session(state, 1))), 5)
    with pytest.raises(Mismatch, match="for 60 s"):
        no_transaction_is_left_open(read_sessions(_told(_session(state, 60))), 5)


def test_a_lock_waited_for_is_told_with_who_holds_it() -> None:
    nobody_waits_for_a_lock(read_sessions(_told(_session("active", 60, ("Lock", "advisory")))), 5)
    nobody_waits_for_a_lock(read_sessions(_told(_session("active", 60, ("IO", "DataFileRead")))), 5)
    with pytest.raises(Mismatch, match="for 60 s, blocked by process 3"):
        nobody_waits_for_a_lock(read_sessions(_told(_session("active", 60, ("Lock", "relation")))), 5)


def test_connections_are_counted_against_those_that_there_may_be() -> None:
    the_database_has_connections_left(read_sessions(_told(allowed=100, taken=79)), 80)
    with pytest.raises(Mismatch, match="80, 80 %"):
        the_database_has_connections_left(read_sessions(_told(allowed=100, taken=80)), 80)


def test_an_account_that_sees_no_states_cannot_tell() -> None:
    hidden: list[object] = [7, None, None, None, None, None, "x", None]
    with pytest.raises(Undetermined, match="does not show this account"):
        read_sessions(_told(hidden))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9),
    max_leaves=12,
)


@given(
    st.text() | JSON.map(json.dumps) | st.lists(JSON, min_size=8, max_size=8).map(lambda row: json.dumps([1, 1, [row]]))
)
def test_whatever_the_database_says_of_sessions_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(LookupError, TypeError, ValueError, Undetermined):
        read_sessions(text)


# Resources

FIRST = "memory 1000\npid 10\n"
V1 = """\
/sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes:900
/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes:9223372036854771712
/sys/fs/cgroup/memory/docker/1/memory.oom_control:oom_kill 2
/sys/fs/cgroup/memory/docker/1/memory.stat:inactive_file 1
/sys/fs/cgroup/memory/docker/1/memory.stat:total_inactive_file 100
/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us:50000
/sys/fs/cgroup/cpu/docker/1/cpu.stat:nr_periods 8
/sys/fs/cgroup/cpu/docker/1/cpu.stat:nr_throttled 2
"""
V2 = """\
/sys/fs/cgroup/system.slice/docker-1.scope/memory.current:900
/sys/fs/cgroup/system.slice/docker-1.scope/memory.max:1000
/sys/fs/cgroup/system.slice/docker-1.scope/memory.events:oom_kill 0
/sys/fs/cgroup/system.slice/docker-1.scope/memory.stat:inactive_file 100
/sys/fs/cgroup/system.slice/docker-1.scope/cpu.max:max 100000
/sys/fs/cgroup/system.slice/docker-1.scope/cpu.stat:nr_periods 0
/sys/fs/cgroup/system.slice/docker-1.scope/cpu.stat:nr_throttled 0
"""


@pytest.mark.parametrize(
    ("files", "counted"),
    [
        (V1, Counted(800, None, 2, True, 8, 2)),
        (V1.replace("us:50000", "us:-1"), Counted(800, None, 2, False, 8, 2)),
        (V2, Counted(800, 1000, 0, False, 0, 0)),
        (V2.replace("cpu.max:max", "cpu.max:50000"), Counted(800, 1000, 0, True, 0, 0)),
        (V2.replace("memory.max:1000", "memory.max:max"), Counted(800, None, 0, False, 0, 0)),
        (V2.replace("inactive_file", "other"), Counted(900, 1000, 0, False, 0, 0)),
    ],
    ids=[
        "v1",
        "v1 without a limit of CPU time",
        "v2",
        "v2 with one",
        "v2 without a limit of memory",
        "v2 without a cache",
    ],
)
def test_both_versions_of_cgroups_are_read(files: str, counted: Counted) -> None:
    server_bytes, groups, _ = read_groups(FIRST + files)
    assert server_bytes == 1_024_000
    assert read_counted(groups["10"], limited=True) == counted


def test_a_limit_of_cpu_time_that_no_file_tells_of_is_not_taken_for_none() -> None:
    _, groups, _ = read_groups(FIRST + V2.replace("cpu.max:", "cpu.weight:"))
    assert not read_counted(groups["10"], limited=False).cpu_limited
    with pytest.raises(LookupError):
        read_counted(groups["10"], limited=True)
    _, groups, _ = read_groups(FIRST + V2.replace("cpu.max:max", "cpu.max:5000").replace("nr_periods", "usage"))
    with pytest.raises(LookupError):
        read_counted(groups["10"], limited=True)


@pytest.mark.parametrize(
    ("limit", "untold"),
    [
        ({"NanoCpus": 500_000_000, "CpuQuota": 0}, True),
        ({"NanoCpus": 0, "CpuQuota": 50_000}, True),
        ({"NanoCpus": 0, "CpuQuota": -1}, False),
        ({}, False),
    ],
)
def test_a_container_with_a_limit_is_untold_where_no_file_tells_of_it(limit: dict[str, int], untold: bool) -> None:
    one = inspection(Pid=10)
    told = Scrubber(lambda _: None).container({**one, "HostConfig": {**one["HostConfig"], **limit}})
    answers: dict[Question[Any], object] = {
        CONTAINERS: (told,),
        NOW: CLOCK,
        CGROUPS.with_values(pids=["10"]): Output(0, FIRST + V2.replace("cpu.max:", "cpu.weight:"), ""),
    }
    found = looking(TARGET, answers).observe(usage)
    assert (len(found.found), len(found.untold)) == ((0, 1) if untold else (1, 0))


def test_kills_that_the_kernel_does_not_count_are_not_taken_for_none() -> None:
    with pytest.raises(Undetermined, match=f"does not count what was killed in {WEB}"):
        nothing_was_killed_for_want_of_memory(_used(V2.replace("oom_kill 0", "max 0")))


def _used(files: str) -> Usages:
    answers: dict[Question[Any], object] = {
        CONTAINERS: (inspection(Pid=10),),
        NOW: CLOCK,
        CGROUPS.with_values(pids=["10"]): Output(0, FIRST + files, ""),
    }
    return looking(TARGET, answers).observe(usage)


def test_what_is_used_is_judged_by_the_limit_else_by_the_servers_memory() -> None:
    every_container_has_memory_left(_used(V1), 90)
    every_container_has_memory_left(_used(V2), 90)
    with pytest.raises(Mismatch, match="uses 80 % of"):
        every_container_has_memory_left(_used(V2), 80)


def test_a_process_killed_for_want_of_memory_is_told() -> None:
    nothing_was_killed_for_want_of_memory(_used(V2))
    with pytest.raises(Mismatch, match=f"2 in {WEB}"):
        nothing_was_killed_for_want_of_memory(_used(V1))


def test_a_container_that_is_held_back_is_told() -> None:
    no_container_is_held_back(_used(V1.replace("us:50000", "us:-1")), 25)
    with pytest.raises(Mismatch, match=f"{WEB} in 25 %"):
        no_container_is_held_back(_used(V1), 25)


def test_files_that_cannot_be_read_tell_nothing() -> None:
    with pytest.raises(Undetermined, match=f"what {WEB} uses is not known"):
        every_container_has_memory_left(_used(""), 90)


SECOND = "psyfit-web-1771900001"


def _used_by_two(files: str) -> Usages:
    """What the first container uses by these files, and the second by what follows them."""
    state, pids = INSPECTION["State"], {WEB: 10, SECOND: 11}
    answers: dict[Question[Any], object] = {
        **server_with(*(kept(name, State={**state, "Pid": pid}) for name, pid in pids.items())),
        CGROUPS.with_values(pids=["11", "10"]): Output(0, FIRST + files, ""),
    }
    return looking(TARGET, answers).observe(usage)


def test_a_container_that_ended_meanwhile_uses_nothing() -> None:
    used = _used_by_two(f"{V2}pid 11\nended\n")
    (one,) = used.found
    assert (one.container.name, one.held_back_percent, used.untold) == (WEB, 0.0, ())


@pytest.mark.parametrize("files", ["pid 11\n", f"pid 11\n{V2.splitlines()[0]}\n", ""], ids=["none", "some", "nothing"])
def test_a_container_whose_files_cannot_be_read_is_named_though_those_of_others_can(files: str) -> None:
    used = _used_by_two(V2 + files)
    untold = f"what {SECOND} uses is not known"
    with pytest.raises(Undetermined, match=untold):
        every_container_has_memory_left(used, 95)
    with pytest.raises(Undetermined, match=untold):
        nothing_was_killed_for_want_of_memory(used)
    with pytest.raises(Undetermined, match=untold):
        no_container_is_held_back(used, 25)
    with pytest.raises(Mismatch, match=f"{WEB} uses"):
        every_container_has_memory_left(used, 1)


def test_a_process_that_the_account_cannot_see_is_not_taken_for_one_that_has_ended(tmp_path: Path) -> None:
    script = CGROUPS.with_values(pids=["10"]).render({}).replace("/proc/", f"{tmp_path}/")

    def said() -> str:
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert "ended" not in said()
    (tmp_path / "1").mkdir()
    assert "ended" in said()
    (tmp_path / "10").mkdir()
    assert "ended" not in said()


def test_nothing_running_is_not_well() -> None:
    found = looking(TARGET, {CONTAINERS: (inspection(Running=False, Pid=0),), NOW: CLOCK}).observe(usage)
    with pytest.raises(Mismatch, match="no running container"):
        every_container_has_memory_left(found, 90)


LINES = st.sampled_from([*FIRST.splitlines(), *V1.splitlines(), *V2.splitlines(), "", "pid ", "x:y z", "memory x"])


@given(st.text() | st.lists(LINES).map("\n".join))
def test_whatever_the_kernels_files_say_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(LookupError, ValueError):
        _, groups, _ = read_groups(text)
        for files in groups.values():
            read_counted(files, limited=True)
