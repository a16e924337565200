"""Through a real sshd: what answers without end is cut off alone, and hanging up ends what still runs there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import get_args

import pytest

from lab.server import Server
from runbook.channel import LineLost
from runbook.connection import LAST_SESSION_SECONDS, Connection
from runbook.met import Met
from runbook.outcome import Undetermined
from runbook.question import Lane
from runbook.target import Ssh, Target, load

pytestmark = pytest.mark.timed

LANES: tuple[Lane, ...] = get_args(Lane)
SOON = 20.0


@pytest.fixture(params=["root", "an account with sudo"])
def target(lab: Server, request: pytest.FixtureRequest) -> Target:
    """The lab, seen by each kind of account."""
    made = load(str(lab.state / "target.toml"))
    if request.param == "root":
        return made
    ssh = Ssh.model_validate({**made.ssh.model_dump(), "user": "deploy", "become": "sudo -n"})
    return made.model_copy(update={"ssh": ssh})


@pytest.fixture
def connection(target: Target) -> Iterator[Connection]:
    made = Connection(target)
    made.ready().result(SOON)
    yield made
    made.close()


def test_an_answer_without_end_is_cut_off_and_the_line_stands(connection: Connection, lab: Server) -> None:
    mark = secrets.token_hex(8)
    endless = [connection.run(f"yes {mark}", 60, lane) for lane in LANES]
    behind = [connection.run("echo fine", SOON, lane) for lane in LANES]
    for one in endless:
        with pytest.raises(Undetermined, match="the answer is longer than 16 MiB") as told:
            one.result(SOON)
        assert not isinstance(told.value, LineLost)
    assert [one.result(SOON).out for one in behind] == ["fine\n"] * len(LANES)
    assert connection.met() is Met.OK
    lab.wait_until(f"! pgrep -f '^yes.*{mark}'", seconds=SOON)


def test_what_still_runs_there_is_ended_by_hanging_up(connection: Connection, lab: Server) -> None:
    """A whole read goes on for minutes, and a hanging `docker exec` for ever: sshd tells neither that we are gone."""
    mark = secrets.token_hex(8)
    waiting = [connection.run(f"tail -f /dev/null /{mark}", 600, lane) for lane in LANES]
    lab.wait_until(f"[ $(pgrep -c -f '^tail.*{mark}') -eq {len(LANES)} ]", seconds=SOON)
    began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < LAST_SESSION_SECONDS + 2
    lab.wait_until(f"! pgrep -f '^tail.*{mark}'", seconds=SOON)
    assert all(isinstance(one.exception(0), LineLost) for one in waiting)
