"""What the mounts and df say is read rightly, whatever it is."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker.containers import CONTAINERS, NOW
from checks.formats.units import percent
from checks.server.disk_space import (
    DISKS,
    MOUNTS,
    PLACES,
    Disks,
    chosen,
    disks,
    engine_roots,
    read_df,
    read_mounts,
    read_place,
)
from runbook.model import rights
from runbook.model.outcome import Mismatch, Undetermined
from runbook.model.question import Output, Question
from runbook.model.target import PathsSettings, Target
from runbook.model.template import template_values
from steps.monitoring import every_file_system_has_room
from tests.unit.answering import looking
from tests.unit.test_containers import inspection

PATHS = "/\n/var/www/psyfit\n/var/backups/psyfit\n/var/lib/docker\n/tmp\n\n"
ROOT = "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
SPACE = "Filesystem 1-blocks Used Available Capacity Mounted on\n"
INODES = "Filesystem Inodes IUsed IFree IUse% Mounted on\n"


def _paths_chosen(*lines: str) -> list[str]:
    return [mount.path for mount in chosen(*read_mounts(PATHS + ROOT + "".join(f"{line}\n" for line in lines)))]


def test_what_holds_several_paths_is_looked_at_once() -> None:
    assert _paths_chosen() == ["/"]


def test_a_disk_of_its_own_is_looked_at_as_well() -> None:
    assert _paths_chosen("30 22 253:16 / /var/backups rw - xfs /dev/vdb rw") == ["/", "/var/backups"]


def test_a_disk_below_a_path_is_looked_at_as_well() -> None:
    volumes = "31 22 253:32 / /var/lib/docker/volumes rw - ext4 /dev/vdc rw"
    assert _paths_chosen(volumes) == ["/", "/var/lib/docker/volumes"]


@pytest.mark.parametrize(
    "line",
    [
        "40 22 0:50 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw",
        "41 22 0:51 / /var/lib/docker/containers/abc/mounts/shm rw - tmpfs shm rw",
        "42 22 7:1 / /var/www/psyfit/manual ro - ext4 /dev/loop1 ro",
        "42 22 7:1 / /var/www/psyfit/manual rw - ext4 /dev/loop1 ro",
        "43 22 253:0 /srv /var/www/psyfit/shared rw - ext4 /dev/vda1 rw",
        "44 22 253:48 / /mnt/elsewhere rw - ext4 /dev/vdd rw",
    ],
    ids=["overlay", "shm", "read-only", "read-only by its own option", "the same device again", "elsewhere"],
)
def test_what_nothing_of_the_service_grows_on_is_left_out(line: str) -> None:
    assert _paths_chosen(line) == ["/"]


def test_a_read_only_disk_that_holds_a_path_counts() -> None:
    assert "/var/backups" in _paths_chosen("30 22 253:16 / /var/backups ro - xfs /dev/vdb ro")


def test_the_upper_of_two_mounts_on_one_path_counts() -> None:
    two = ("30 22 253:16 / /tmp rw - ext4 /dev/vdb rw", "31 30 0:60 / /tmp rw - tmpfs tmpfs rw")
    _, mounts = read_mounts(PATHS + ROOT + "".join(f"{line}\n" for line in two))
    assert [mount.kind for mount in mounts if mount.path != "/"] == ["tmpfs"]


def test_blanks_in_mount_points_are_read() -> None:
    _, mounts = read_mounts(PATHS + r"30 22 253:16 / /mnt/two\040words rw - ext4 /dev/vdb rw")
    assert mounts[0].path == "/mnt/two words"


def test_df_is_read() -> None:
    (root,) = read_df(f"{SPACE}/dev/vda1 1000 780 200 80% /\n\n{INODES}/dev/vda1 100 85 15 85% /\n")
    assert round(root.used_percent) == 80
    assert root.used_inodes_percent == 85


@pytest.mark.parametrize(
    "line",
    [
        "30 22 253:16 / /srv rw ext4 /dev/vdb rw",
        "30 22 253:16 / /srv - ext4 /dev/vdb rw",
        "30 22 253:16 / /srv rw - ",
    ],
    ids=["no two halves", "too short", "nothing after"],
)
def test_what_is_no_line_of_the_mounts_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a line of mountinfo"):
        read_mounts(PATHS + line)


def test_paths_on_no_mount_are_refused() -> None:
    with pytest.raises(ValueError, match="on any mount"):
        chosen(["/srv"], [])


@pytest.mark.parametrize("rows", ["", "/dev/vda1 1000 780 200 80%\n", "/dev/vda1 1000 780 200 80% /\n/dev/vdb 1\n"])
def test_what_is_not_of_df_is_refused(rows: str) -> None:
    with pytest.raises(ValueError, match="not the lines of df"):
        read_df(f"{SPACE}{rows}\n{INODES}/dev/vda1 100 85 15 85% /\n")


def test_a_file_system_that_tells_no_size_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(ValueError, match="no size for /mnt/elsewhere"):
        read_df(f"{SPACE}bucket: 0 0 0 - /mnt/elsewhere\n\n{INODES}bucket: 0 0 0 - /mnt/elsewhere\n")


def test_blanks_in_what_df_names_are_read() -> None:
    (one,) = read_df(f"{SPACE}/dev/vdb 10 7 2 80% /mnt/two words\n\n{INODES}/dev/vdb 9 8 1 85% /mnt/two words\n")
    assert one.mount == "/mnt/two words"


def test_no_fixed_number_of_inodes_is_none_used() -> None:
    (root,) = read_df(f"{SPACE}/dev/vda1 1000 780 200 80% /\n\n{INODES}/dev/vda1 - - - - /\n")
    assert root.used_inodes_percent == 0


def test_each_place_has_its_own_disk_and_one_that_is_gone_takes_no_other_with_it(tmp_path: Path) -> None:
    paths = TARGET.paths.model_copy(update={"backups": str(tmp_path / "gone"), "docker": str(tmp_path)})
    command = PLACES.render(template_values(TARGET.model_copy(update={"paths": paths})))
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False).stdout
    assert read_place(told, str(tmp_path)).size_bytes > 0
    with pytest.raises(ValueError, match="not the lines of df"):
        read_place(told, str(tmp_path / "gone"))
    with pytest.raises(ValueError, match="nothing of it"):
        read_place(told, "/elsewhere")


def test_nothing_is_empty() -> None:
    assert percent(0, 0) == 0


# The containers' own disks

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
DENIED = Undetermined("not allowed: permission denied", right=rights.DOCKER)


def _seen(containers: object, used: int, *sources: str) -> Disks:
    """The disks of a server with one file system, of which so much is used."""
    mounts = ["/"]
    answers: dict[Question[Any], object] = {
        CONTAINERS: containers,
        NOW: Output(0, "1790000000\n", ""),
        MOUNTS.with_values(sources=sources): Output(0, PATHS + ROOT, ""),
        DISKS.with_values(mounts=mounts): Output(
            0, f"{SPACE}/dev/vda1 100 {used} {100 - used} {used}% /\n\n{INODES}/dev/vda1 100 1 99 1% /\n", ""
        ),
    }
    return looking(TARGET, answers).observe(disks)


def test_the_places_of_the_containers_and_of_the_engine_are_looked_at() -> None:
    one = inspection()
    one["ResolvConfPath"] = f"/data/docker/containers/{one['Id']}/resolv.conf"
    assert _seen((one,), 10, "/data/docker", "/srv/files").unseen is None


def test_a_container_that_never_ran_does_not_tell_of_the_engine() -> None:
    assert list(engine_roots([{"Id": "abc", "ResolvConfPath": ""}])) == []


def test_without_docker_a_full_disk_fails_and_none_is_undetermined() -> None:
    with pytest.raises(Mismatch, match="/ 80 %"):
        every_file_system_has_room(_seen(DENIED, 80), 80)
    with pytest.raises(Undetermined) as caught:
        every_file_system_has_room(_seen(DENIED, 79), 80)
    assert caught.value.right is rights.DOCKER


def test_a_place_that_is_gone_takes_no_other_with_it(tmp_path: Path) -> None:
    paths = PathsSettings(**dict.fromkeys(PathsSettings.model_fields, str(tmp_path)))
    target = TARGET.model_copy(update={"paths": paths})
    command = MOUNTS.with_values(sources=["/gone/long/ago", "/two words", "/usr"]).render(template_values(target))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    told, _ = read_mounts(done.stdout)
    assert told[-2:] == ["/two words", "/usr"]
    assert told[:2] == ["/", str(tmp_path)]


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError, LookupError):
        chosen(*read_mounts(text))
    with contextlib.suppress(ValueError, LookupError):
        read_df(text)
    with contextlib.suppress(ValueError, LookupError):
        read_place(text, "/")
