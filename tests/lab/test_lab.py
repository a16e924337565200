"""The lab itself: what it refuses, that two can stand side by side, that nothing is left of one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lab import Refused, faults, host_engine
from lab.progress import Steps
from lab.provisioning import SOURCE
from lab.server import Server
from tests.lab.looking import Verified, runbook, verify

STRANGER = "psyfit-stranger"


def left_of(name: str) -> list[str]:
    """What there still is of a lab on this machine."""
    label = f"label=runbook.lab={name}"
    asked = (
        ("docker", "ps", "--all", "--quiet", "--filter", label),
        ("docker", "volume", "ls", "--quiet", "--filter", label),
        ("docker", "network", "ls", "--quiet", "--filter", label),
        ("pgrep", "-f", f"psyfit-lab/{name}/"),
    )
    return [subprocess.run(one, capture_output=True, text=True, timeout=30).stdout.strip() for one in asked]


@pytest.mark.only_looks
def test_a_second_lab_of_the_same_name_is_refused(lab: Server) -> None:
    told = runbook("lab", "up", "--name", lab.name)
    assert told.returncode == 4
    assert told.stderr.splitlines()[-1].startswith(f"the lab {lab.name} exists already")


@pytest.fixture
def stranger(lab: Server) -> Iterator[None]:
    """A container that could be the service's own, on this machine's engine."""
    listed = subprocess.run(
        ["docker", "inspect", "--format", "{{.Image}}", lab.container], capture_output=True, text=True, check=True
    )
    subprocess.run(["docker", "create", "--name", STRANGER, listed.stdout.strip()], capture_output=True, check=True)
    yield
    subprocess.run(["docker", "rm", "--force", STRANGER], capture_output=True, check=True)


@pytest.mark.only_looks
@pytest.mark.usefixtures("stranger")
def test_no_lab_is_made_beside_the_services_own_containers() -> None:
    told = runbook("lab", "up", "--name", "refused")
    assert told.returncode == 4
    assert told.stderr.splitlines()[-1].startswith(f"container {STRANGER} exists on this machine's engine")
    assert left_of("refused") == ["", "", "", ""]


@pytest.mark.only_looks
def test_no_lab_is_made_where_the_service_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_engine, "PRODUCTION_TREE", tmp_path)
    with (
        closing(host_engine.engine(Steps())) as client,
        pytest.raises(Refused, match="exists on this machine: a lab is never made where the service itself may be"),
    ):
        host_engine.refuse_production(client)


def test_break_says_what_must_fail_and_heal_takes_it_off(lab: Server, look: Callable[..., Verified]) -> None:
    broken = runbook("lab", "break", "redis-down", "--name", lab.name)
    try:
        assert "must fail: redis-is-up" in broken.stdout
        assert faults.on(lab) == ["redis-down"]
        assert "redis-down" in runbook("lab", "status").stdout
    finally:
        healed = runbook("lab", "heal", "--name", lab.name)
    assert healed.stdout == "healed: redis-down\n"
    assert faults.on(lab) == []
    assert look().code == 0


@pytest.mark.only_looks
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("lab", "break", "no-such-fault"), 2, "there is no fault 'no-such-fault'"),
        (("lab", "up", "--name", "../x"), 2, 'Invalid value "../x" for --name'),
        (("lab", "up", "--name", "x", "--scripts", "/etc"), 4, "/etc/deploy.sh is not a file that can be executed"),
        (("lab", "heal", "--name", "nowhere"), 4, "there is no lab nowhere"),
        (("verify", "--target", "none"), 2, "none.toml: cannot be read"),
    ],
)
@pytest.mark.usefixtures("lab")
def test_wrong_use_gets_one_sentence(arguments: tuple[str, ...], code: int, sentence: str) -> None:
    told = runbook(*arguments)
    assert told.returncode == code, told.stdout + told.stderr
    assert sentence in told.stdout + told.stderr
    assert "Traceback" not in told.stdout + told.stderr


@pytest.mark.only_looks
def test_the_lab_has_no_way_to_the_world(lab: Server) -> None:
    assert lab.run("ip route show default").out == ""
    assert lab.run("getent ahostsv4 psytech.jp").out.split()[0] == "127.0.0.1"


@pytest.mark.soak
def test_two_labs_stand_side_by_side_and_nothing_is_left_of_the_second(
    look: Callable[..., Verified], reports: Path, tmp_path: Path
) -> None:
    scripts = tmp_path / "bin"
    shutil.copytree(SOURCE / "bin", scripts)
    (scripts / "mine.sh").write_text("#!/bin/sh\necho mine\n")
    made = runbook("lab", "up", "--name", "second", "--scripts", str(scripts))
    try:
        assert made.returncode == 0, made.stderr
        second = verify(Server("second").state / "target.toml", reports)
        assert "echo mine" in Server("second").run("cat /var/www/psyfit/bin/mine.sh").out
        assert (second.code, look().code) == (0, 0), second.told()
    finally:
        assert runbook("lab", "down", "--name", "second").returncode == 0
    assert left_of("second") == ["", "", "", ""]
    assert not Server("second").state.exists()
