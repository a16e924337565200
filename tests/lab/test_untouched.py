"""A run leaves the server as it found it, processes, logs and the app's own counting apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import LabError
from lab.server import Server
from tests.lab.looking import Verified, verify

STATE = r"""
find /etc /var/www /var/backups /var/spool/cron /root /home -xdev -printf '%p %y %m %U %G %s %T@ %C@\n' | sort
find /var/backups/psyfit -printf '%p %y %m %U %G %s %T@ %C@\n' | sort
docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.Image}}' | sort
docker inspect --format '{{.Name}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}' $(docker ps -aq) | sort
docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
docker volume ls | sort
docker network ls --no-trunc | sort
docker exec psyfit-db pg_dump -U psyfit_prod psyfit_production | grep -vE '^\\(un)?restrict ' | sha256sum
"""


@pytest.mark.only_looks
@pytest.mark.parametrize("account", ["root", "deploy"])
def test_nothing_on_the_server_differs_before_and_after(
    account: str, lab: Server, as_account: Callable[..., Path], reports: Path
) -> None:
    target = as_account(account, 'become = "sudo -n"' if account == "deploy" else "")
    before = lab.run(STATE).required().out
    seen = verify(target, reports)
    assert lab.run(STATE).required().out.splitlines() == before.splitlines()
    assert seen.code == 0, seen.told()


def test_this_test_would_see_a_change(lab: Server) -> None:
    before = lab.run(STATE).required().out
    try:
        lab.run("touch /var/www/psyfit/.kamal/touched").required()
        assert lab.run(STATE).required().out != before
    finally:
        lab.run("rm -f /var/www/psyfit/.kamal/touched").required()


Process = tuple[int, str]
"""A process by its number and the time at which it began."""

PROCESSES = "ps -e -o pid=,ppid=,lstart="
SERVICE = "docker inspect --format '{{.State.Pid}}' $(docker ps --quiet)"
ENDED_SECONDS = 20


def outside_of_the_service(lab: Server) -> set[Process]:
    """All processes but those that a container has started itself, whose number and age are the service's matter.

    What `docker exec` starts in a container is not among those: a check of ours, or the engine's own health check.
    """
    inits = {int(one) for one in lab.run(SERVICE).required().out.split()}
    listed = [line.split(maxsplit=2) for line in lab.run(PROCESSES).required().out.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, _ in listed}

    def is_the_services(pid: int) -> bool:
        while pid in parents and pid not in inits:
            pid = parents[pid]
        return pid in inits

    return {(int(pid), began) for pid, _, began in listed if not is_the_services(int(pid))}


def all_end(lab: Server, begun: set[Process], seconds: float = ENDED_SECONDS) -> None:
    """Wait until each of these has ended: a health check does so by itself, what somebody left behind does not."""
    what = "every process that began during the look has ended"
    lab.wait_until(f"! ps -o pid=,args= -p {numbers_of(begun)}", seconds=seconds, what=what)


def numbers_of(processes: set[Process]) -> str:
    return ",".join(str(pid) for pid, _ in processes)


@pytest.mark.only_looks
def test_no_process_of_ours_is_left_on_the_server(lab: Server, look: Callable[..., Verified]) -> None:
    before = outside_of_the_service(lab)
    look()
    all_end(lab, outside_of_the_service(lab) - before)


LEFT = "tail -f /dev/null"


@pytest.mark.parametrize(
    "how", [f"setsid {LEFT} < /dev/null > /dev/null 2>&1 &", f"docker exec -d psyfit-redis {LEFT}"]
)
def test_this_test_would_see_a_process_that_is_left(lab: Server, how: str) -> None:
    """Whatever its name, on the server itself or in a container."""
    before = outside_of_the_service(lab)
    lab.run(how).required()
    begun = outside_of_the_service(lab) - before
    try:
        with pytest.raises(LabError, match=rf"every process that began .* has ended; it said last: *\d+ {LEFT}"):
            all_end(lab, begun, seconds=3)
    finally:
        lab.run(f"kill -9 $(echo {numbers_of(begun)} | tr , ' ')")
