"""Containers, as Docker tells of them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker.containers import CONTAINERS, NEVER, Container, Fleet, classify, is_release, read_container
from checks.docker.containers import NOW as CLOCK
from runbook.model.question import Output, Question
from runbook.model.target import ContainersSettings

NOW = 1_790_000_000.0
INSPECTION: dict[str, Any] = {
    "Id": "0123456789abcdef" * 4,
    "Name": "/psyfit-web-1771900000",
    "RestartCount": 0,
    "State": {
        "Running": True,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": False,
        "ExitCode": 0,
        "StartedAt": "2026-09-21T14:11:40.123456789Z",
        "Health": {"Status": "healthy"},
    },
    "Config": {
        "Image": "psyfit:0a1b2c3",
        "Labels": {
            "org.opencontainers.image.version": "1.1.0",
            "org.opencontainers.image.revision": "f" * 40,
        },
    },
    "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
    "Mounts": [{"Type": "bind", "Source": "/srv/files"}, {"Type": "tmpfs", "Source": ""}],
    "NetworkSettings": {"Networks": {"kamal": {"IPAddress": "172.18.0.6", "Aliases": ["0123456789ab"]}}},
}


def inspection(name: str = "psyfit-web-1771900000", **state: object) -> dict[str, Any]:
    """An inspection with some of its state changed."""
    changed = copy.deepcopy(INSPECTION)
    changed["Name"] = f"/{name}"
    changed["State"].update(state)
    return changed


def container(name: str = "psyfit-web-1771900000", **state: object) -> Container:
    """The same, read."""
    return read_container(inspection(name, **state), NOW)


def kept(name: str, *, running: bool = True, **changed: object) -> dict[str, Any]:
    """The inspection of a release with an id and an image of its own, and without variables."""
    made = inspection(name, Running=running)
    return {**made, "Id": name, "Image": f"image of {name}", "Config": {**made["Config"], "Env": []}, **changed}


def server_with(*inspected: dict[str, Any]) -> dict[Question[Any], object]:
    """The answers of a server with these containers."""
    return {CONTAINERS: inspected, CLOCK: Output(0, f"{NOW}\n", "")}


def fleet_of(*names: str) -> Fleet:
    """Running containers of these names."""
    return classify((container(name) for name in names), ContainersSettings())


def test_a_running_release_is_read() -> None:
    read = container()

    assert read.name == "psyfit-web-1771900000"
    assert read.running
    assert (read.health, read.restart_policy) == ("healthy", "unless-stopped")
    assert (read.version, read.revision) == ("1.1.0", "f" * 40)
    assert read.addresses == ("172.18.0.6",)
    assert read.up_seconds == pytest.approx(99.88, abs=0.01)


def test_a_container_between_two_restarts_counts_as_one_that_docker_means_to_run() -> None:
    waiting = container(Running=False, Restarting=True)

    assert waiting.running
    assert waiting.up_seconds is None


def test_a_container_that_never_ran_has_no_uptime() -> None:
    assert container(Running=False, StartedAt="0001-01-01T00:00:00Z").up_seconds is None


def test_a_container_without_a_health_check_has_no_health() -> None:
    bare = inspection()
    del bare["State"]["Health"]

    assert read_container(bare, NOW).health is None


@pytest.mark.parametrize("host", ["psyfit-web-1771900000", "0123456789ab", "0123456789abcdef", "172.18.0.6"])
def test_a_container_is_called_by_name_by_id_and_by_address(host: str) -> None:
    assert container().matches_host(host)


@pytest.mark.parametrize("host", ["", "0123", "172.18.0.60", "psyfit-web-177190000"])
def test_a_container_is_not_called_by_a_part_of_them(host: str) -> None:
    assert not container().matches_host(host)


def test_each_container_plays_the_part_that_its_name_gives_it() -> None:
    fleet = fleet_of("psyfit-web-1", "psyfit-web-2", "psyfit-db", "psyfit-redis", "kamal-proxy", "left-over")

    assert [one.name for one in fleet.releases] == ["psyfit-web-2", "psyfit-web-1"]
    assert len(fleet.known) == 5
    assert [one.name for one in fleet.unexpected] == ["left-over"]
    assert fleet.by_host("left-over") is fleet.unexpected[0]
    assert fleet.by_host("nobody") is None


@pytest.mark.parametrize("name", ["psyfit-web-exec-abc-1", "psyfit-web-1_replaced_2f"])
def test_what_kamal_runs_once_or_has_replaced_is_neither_a_release_nor_unexpected(name: str) -> None:
    fleet = fleet_of(name)

    assert not fleet.releases
    assert not fleet.unexpected
    assert fleet.by_host(name) is fleet.allowed[0]


def test_what_the_target_names_besides_is_not_unexpected() -> None:
    names = ContainersSettings(allowed=("node-exporter", "backup-*"))
    present = ("node-exporter", "node-exporter-2", "backup-", "backup-7", "a-backup-7")
    fleet = classify((container(name) for name in present), names)

    assert [one.name for one in fleet.unexpected] == ["node-exporter-2", "a-backup-7"]
    assert [one.name for one in fleet.allowed] == ["node-exporter", "backup-", "backup-7"]
    assert not fleet.known


# What a release was made from

HEAD = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


def unlabelled(name: str, image: str) -> Container:
    """A container whose image has no labels."""
    bare = inspection(name)
    bare["Config"] = {"Labels": None, "Image": image}
    return read_container(bare, NOW)


def test_the_label_says_what_a_release_was_made_from() -> None:
    assert container().made_from(HEAD) == "f" * 40


@pytest.mark.parametrize(
    ("name", "image"),
    [
        (f"psyfit-web-{HEAD}", "registry.example/psyfit:latest"),
        ("psyfit-web-1771900000", f"registry.example/psyfit:{HEAD}"),
        ("psyfit-web-1771900000", "psyfit:0a1b2c3"),
        (f"psyfit-web-production-{HEAD}_uncommitted_0123456789abcdef", "psyfit"),
    ],
)
def test_without_a_label_a_name_says_it(name: str, image: str) -> None:
    assert unlabelled(name, image).made_from(HEAD) == HEAD


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("psyfit-web-1771900000", "psyfit:latest"),
        ("psyfit-web-1771900000", "psyfit:1b2c3d4"),
        ("psyfit-web-1", f"psyfit@sha256:{'0a1b2c3d' * 8}"),
        ("psyfit-web-x0a1b2c3", "psyfit:0a1b2c3x"),
    ],
)
def test_a_time_or_a_part_that_does_not_begin_the_commit_says_nothing(name: str, image: str) -> None:
    assert unlabelled(name, image).made_from(HEAD) is None


def test_another_whole_commit_in_a_name_is_another_commit() -> None:
    assert unlabelled(f"psyfit-web-{'e' * 40}", "psyfit").made_from(HEAD) == "e" * 40


def test_the_places_of_mounts_are_read() -> None:
    assert container().sources == ("/srv/files",)


def test_another_prefix_is_no_release() -> None:
    assert not is_release("psyfit-worker-1", "psyfit-web-")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    part=st.sampled_from(["Id", "Name", "State", "Config", "HostConfig", "NetworkSettings", "RestartCount"]),
    value=ANYTHING,
)
def test_a_foreign_inspection_is_read_or_refused(part: str, value: object) -> None:
    foreign = copy.deepcopy(INSPECTION)
    foreign[part] = value
    try:
        read = read_container(foreign, NOW)
    except (ValueError, LookupError, TypeError):
        return
    assert isinstance(read, Container)


def test_a_container_is_called_by_at_least_twelve_signs_of_its_id() -> None:
    nameless = replace(container(), aliases=())
    assert nameless.matches_host("0123456789ab")
    assert nameless.matches_host("0123456789abc")
    assert not nameless.matches_host("0123456789a")


def test_only_what_has_the_services_prefix_is_a_left_over_of_its_deploys() -> None:
    found = classify([container("psyfit-web-1_replaced_2"), container("other_replaced_2")], ContainersSettings())
    assert [one.name for one in found.allowed] == ["psyfit-web-1_replaced_2"]
    assert [one.name for one in found.unexpected] == ["other_replaced_2"]


def test_a_star_stands_for_the_rest_of_a_name_alone() -> None:
    found = classify([container("tool-1"), container("toolbox")], ContainersSettings(allowed=("tool-*",)))
    assert [one.name for one in found.allowed] == ["tool-1"]


def test_what_docker_leaves_open_is_nothing() -> None:
    bare = inspection(StartedAt=NEVER.isoformat())
    bare["HostConfig"]["RestartPolicy"]["Name"] = ""
    bare["Config"]["Labels"] = {"org.opencontainers.image.version": "", "org.opencontainers.image.revision": ""}
    bare["NetworkSettings"]["Networks"] = {"a": {"IPAddress": "", "Aliases": None}}
    bare["Mounts"] = None
    read = read_container(bare, NOW)
    assert (read.restart_policy, read.version, read.revision, read.up_seconds) == ("no", None, None, None)
    assert (read.addresses, read.aliases, read.sources) == ((), (), ())


def test_the_aliases_of_a_container_lead_to_it() -> None:
    named = inspection()
    named["NetworkSettings"]["Networks"]["kamal"]["Aliases"] = ["web"]
    assert read_container(named, NOW).matches_host("web")


@pytest.mark.parametrize(("part", "value"), [("State", []), ("Config", "x"), ("Mounts", ["x"])])
def test_what_is_no_table_is_no_inspection(part: str, value: object) -> None:
    with pytest.raises(TypeError):
        read_container({**inspection(), part: value}, NOW)


def test_what_is_neither_true_nor_false_is_no_inspection() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        read_container(inspection(Paused="no"), NOW)
