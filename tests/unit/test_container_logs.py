"""How containers keep their logs, and what a clean-up would free, is read rightly, whatever is told."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.deploy.docker_cleanup import DISK_USE, Reclaimable, read_reclaimable, reclaimable, retained_release
from checks.docker.container_logs import LOG_FILES, LogOnDisk, kept_logs, logs_on_disk, of, read_kept_log, read_sizes
from checks.docker.containers import CONTAINERS, NOW
from checks.docker.images import IMAGES, named_images
from checks.formats.units import read_size
from checks.server.disk_space import PLACES
from runbook.model.outcome import Mismatch
from runbook.model.question import Output, Question
from runbook.model.target import Target
from steps.logs import (
    no_log_file_is_too_large,
    the_kept_release_ended_in_good_order,
    the_kept_releases_image_is_there,
    there_are_not_too_many_log_files,
)
from tests.unit.answering import looking
from tests.unit.test_containers import container, inspection

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
CLOCK = Output(0, "1790000000\n", "")
FOLDER = "/var/lib/docker/containers/1"
LOG = f"{FOLDER}/1-json.log"


def _inspected(options: dict[str, str] | None, driver: str = "json-file") -> dict[str, Any]:
    one = inspection()
    one["HostConfig"]["LogConfig"] = {"Type": driver, "Config": options}
    one["LogPath"] = LOG if driver == "json-file" else ""
    return one


def _on_disk(files: str) -> tuple[LogOnDisk, ...]:
    answers: dict[Question[Any], object] = {
        CONTAINERS: (_inspected({"max-size": "50m", "max-file": "3"}),),
        NOW: CLOCK,
        LOG_FILES.with_values(folders=[FOLDER]): Output(0, files, ""),
    }
    return looking(TARGET, answers).observe(logs_on_disk)


@pytest.mark.parametrize(
    ("text", "size"),
    [("50m", 50_000_000), ("10MB", 10_000_000), ("209.5kB", 209_500), ("0B", 0), ("1.2GB", 1_200_000_000), ("7", 7)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert read_size(text) == size


def test_log_options_are_read() -> None:
    log = read_kept_log(container(), _inspected({"max-size": "50m", "max-file": "5"}))
    assert (log.driver, log.max_bytes, log.max_files, log.path) == ("json-file", 50_000_000, 5, LOG)


def test_docker_keeps_one_file_where_it_is_told_no_number() -> None:
    log = read_kept_log(container(), _inspected({"max-size": "10m"}))
    assert log.max_files == 1


@pytest.mark.parametrize("options", [None, {}, {"max-file": "3"}])
def test_without_a_size_nothing_is_rotated(options: dict[str, str] | None) -> None:
    log = read_kept_log(container(), _inspected(options))
    assert log.max_bytes is None
    assert "without a limit" in str(log)


def test_another_driver_has_no_file_to_look_at() -> None:
    answers: dict[Question[Any], object] = {CONTAINERS: (_inspected({"max-size": "5m"}, "local"),), NOW: CLOCK}
    snapshot = looking(TARGET, answers)
    assert [one.path for one in snapshot.observe(kept_logs)] == [None]
    assert snapshot.observe(logs_on_disk) == ()


def test_a_log_of_which_docker_names_no_file_is_not_left_aside() -> None:
    inspected = _inspected({"max-size": "5m"}) | {"LogPath": ""}
    found = looking(TARGET, {CONTAINERS: (inspected,), NOW: CLOCK}).observe(logs_on_disk)
    assert [one.sizes_bytes for one in found] == [()]


def test_a_log_without_a_limit_has_no_files_to_compare() -> None:
    answers: dict[Question[Any], object] = {CONTAINERS: (_inspected({}),), NOW: CLOCK}
    assert looking(TARGET, answers).observe(logs_on_disk) == ()


@pytest.mark.parametrize(("driver", "path"), [("local", LOG), ("json-file", ""), ("json-file", None)])
def test_only_the_usual_driver_says_where_a_log_is(driver: str, path: str | None) -> None:
    assert read_kept_log(container(), _inspected({}, driver) | {"LogPath": path}).path is None


def test_a_path_may_have_spaces() -> None:
    assert read_sizes("7 /a b c\n") == {"/a b c": 7}


def test_a_container_that_is_not_there_has_no_log() -> None:
    log = read_kept_log(container(), _inspected({}))
    assert of([log], [None]) == ()
    assert of([log], [None, container()]) == (log,)


def test_a_logs_files_are_its_own() -> None:
    (found,) = _on_disk(f"100 {LOG}\n51000000 {LOG}.1\n7 {FOLDER}/other-json.log\n")
    assert found.sizes_bytes == (100, 51_000_000)
    no_log_file_is_too_large((found,), 1)
    there_are_not_too_many_log_files((found,))


def test_a_file_beyond_its_limit_and_one_too_many_are_told() -> None:
    found = _on_disk("".join(f"51000001 {LOG}{end}\n" for end in ("", ".1", ".2", ".3")))
    with pytest.raises(
        Mismatch, match="a file of 51 MB, where psyfit-web-1771900000 keeps its log in 3 files of 50 MB"
    ):
        no_log_file_is_too_large(found, 1)
    with pytest.raises(Mismatch, match="4 files"):
        there_are_not_too_many_log_files(found)


def test_no_file_at_all_is_not_well() -> None:
    with pytest.raises(Mismatch, match="no log file"):
        no_log_file_is_too_large(_on_disk(""), 1)


SPACE = "Filesystem 1-blocks Used Available Capacity Mounted on\n/dev/a 9 200000000 50000000 80% /\n"
INODES = "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/a 9 1 8 11% /\n"


def test_an_engine_that_tells_of_no_image_does_not_tell_that_nothing_is_unused() -> None:
    for printed in ("", "cache\tfalse\t5MB\n"):
        with pytest.raises(ValueError, match="no image"):
            read_reclaimable(printed)


def test_what_no_container_uses_is_added_up() -> None:
    told = "image\t1\t100MB\nimage\t0\t20MB\nimage\t0\t0B\ncache\tfalse\t5MB\ncache\ttrue\t7MB\n"
    answers: dict[Question[Any], object] = {
        CONTAINERS: (),
        DISK_USE: Output(0, told, ""),
        PLACES: Output(0, f"{TARGET.paths.docker}\n{SPACE}\n{INODES}\n", ""),
    }
    found = looking(TARGET, answers).observe(reclaimable)
    assert found == Reclaimable(20_000_000, 5_000_000, 250_000_000)
    assert found.percent == 10


def _survives(tags: list[str] | None, **state: object) -> None:
    names = ("psyfit-web-1771900000", "psyfit-web-1771900001")
    stopped = [inspection(name, Running=False) | {"Id": name, "Image": f"sha256:{name}"} for name in names]
    stopped[1]["State"] |= state
    image = {"Id": "sha256:psyfit-web-1771900001", "RepoTags": tags}
    answers: dict[Question[Any], object] = {CONTAINERS: tuple(stopped), NOW: CLOCK, IMAGES: (image,)}
    kept = looking(TARGET, answers).observe(retained_release)
    assert kept
    assert kept.release.name == names[1]
    the_kept_release_ended_in_good_order(kept)
    the_kept_releases_image_is_there(kept)


def test_the_newest_stopped_release_is_what_is_kept() -> None:
    _survives(["psyfit:1"], ExitCode=143)


@pytest.mark.parametrize("state", [{"ExitCode": 1}, {"ExitCode": 137, "OOMKilled": True}])
def test_one_that_failed_is_nothing_to_roll_back_to(state: dict[str, object]) -> None:
    with pytest.raises(Mismatch, match="psyfit-web-1771900001 ended with"):
        _survives(["psyfit:1"], **state)


@pytest.mark.parametrize("tags", [None, [], ["<none>:<none>"]])
def test_an_image_without_a_name_goes_with_the_next_clean_up(tags: list[str] | None) -> None:
    with pytest.raises(Mismatch, match="gone or nameless"):
        _survives(tags)


def test_no_stopped_release_is_nothing_to_keep() -> None:
    snapshot = looking(TARGET, {CONTAINERS: (inspection(),), NOW: CLOCK, IMAGES: ()})
    assert snapshot.observe(retained_release) is None
    with pytest.raises(Mismatch, match="no stopped web release"):
        the_kept_release_ended_in_good_order(None)


WORDS = st.sampled_from(["image", "cache", "0", "1", "N/A", "true", "false", "5MB", "x", "", "-1B", "1e9B"])


@given(st.lists(st.lists(WORDS, max_size=4).map("\t".join)).map("\n".join) | st.text())
def test_whatever_docker_says_of_its_disk_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(size >= 0 for size in read_reclaimable(text))


@given(st.text() | st.from_regex(r"\d+(\.\d+)? ?[kMGTP]?i?B?", fullmatch=True))
def test_whatever_is_said_of_a_size_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_size(text) >= 0


@given(st.text())
def test_whatever_df_and_find_say_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        read_sizes(text)


ANYTHING = st.none() | st.integers() | st.text() | st.dictionaries(st.sampled_from(["max-size", "max-file"]), st.text())


@given(kind=ANYTHING, options=ANYTHING, tags=ANYTHING)
def test_whatever_an_inspection_says_is_read_or_refused(kind: object, options: object, tags: object) -> None:
    one = {"HostConfig": {"LogConfig": {"Type": kind, "Config": options}}, "LogPath": tags}
    with contextlib.suppress(LookupError, TypeError, ValueError):
        read_kept_log(container(), one)
    with contextlib.suppress(LookupError, TypeError):
        named_images([{"Id": "1", "RepoTags": tags}])
