"""A run leaves the server as it found it, processes, logs and the app's own counting apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.mark.only_looks
def test_no_process_of_ours_is_left_on_the_server(lab: Server, look: Callable[..., Verified]) -> None:
    look()
    lab.wait_until("! pgrep -f 'sshd: [a-z]'", seconds=10)
    assert lab.run("pgrep -a -x 'awk|curl|gzip|od|tail'").out.splitlines() == []
