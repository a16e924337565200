"""What kamal-proxy tells of its services."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker.containers import CONTAINERS, NOW
from checks.edge.kamal_proxy import (
    BACKEND,
    STATE,
    Listed,
    Saved,
    backends,
    health_url,
    host_of,
    http_status_of,
    port_of,
    read_list,
    read_state,
)
from runbook.model.outcome import Undetermined
from runbook.model.question import Output, Question
from runbook.model.target_file import load
from tests.unit.answering import looking
from tests.unit.test_containers import container, inspection

SERVICE: dict[str, Any] = {
    "name": "psyfit-web",
    "options": {
        "hosts": ["psytech.jp"],
        "path_prefixes": ["/"],
        "tls_enabled": True,
        "tls_certificate_path": "/home/kamal-proxy/.apps-config/psyfit-web/tls/cert.pem",
        "tls_private_key_path": "/home/kamal-proxy/.apps-config/psyfit-web/tls/key.pem",
    },
    "target_options": {"health_check_config": {"path": "/up", "port": 0, "interval": 1_000_000_000}},
    "active_targets": ["psyfit-web-1771900000:3000"],
    "active_readers": None,
    "pause_controller": {"state": 0, "stop_message": "", "fail_after": 0},
}


def listing(*rows: tuple[str, ...]) -> str:
    """The table as kamal-proxy prints it: colours about each cell, padding behind them."""
    table = [("Service", "Host", "Path", "Target", "State", "TLS"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(6)]
    return "".join(
        "".join(
            f"\x1b[{'3;94' if number == 0 else ''}m{cell}\x1b[0m{' ' * (width - len(cell))}  "
            for cell, width in zip(row, widths, strict=True)
        )
        + "\n"
        for number, row in enumerate(table)
    )


def saved(**changed: Any) -> Saved:
    """The service, with some of it changed."""
    return read_state(json.dumps([{**SERVICE, **changed}]))["psyfit-web"]


def test_a_row_of_the_list_is_read_through_its_colours() -> None:
    text = listing(
        ("psyfit-web", "psytech.jp", "/", "psyfit-web-1771900000:3000", "running", "yes"),
        ("other", "*", "/", "10.0.0.1:80,10.0.0.2:80", "paused", "no"),
    )

    assert read_list(text) == {
        "psyfit-web": Listed(("psytech.jp",), ("psyfit-web-1771900000:3000",), "running", True),
        "other": Listed(("*",), ("10.0.0.1:80", "10.0.0.2:80"), "paused", False),
    }


@pytest.mark.parametrize(
    ("host", "serves"),
    [("psytech.jp", True), ("*", True), ("*.jp", True), ("www.psytech.jp", False), ("*.psytech.jp", False)],
)
def test_a_service_is_for_the_domain_by_name_or_by_wildcard(host: str, serves: bool) -> None:
    assert Listed((host,), (), "running", True).serves("psytech.jp") is serves


def test_a_list_of_nothing_is_read() -> None:
    assert read_list(listing()) == {}


def test_a_service_is_read_from_the_state_file() -> None:
    service = saved()

    assert service.as_listed == Listed(("psytech.jp",), ("psyfit-web-1771900000:3000",), "running", True)
    assert service.key_path == "/home/kamal-proxy/.apps-config/psyfit-web/tls/key.pem"
    assert (service.health_path, service.health_port) == ("/up", 0)


@pytest.mark.parametrize(("number", "state"), [(0, "running"), (1, "paused"), (2, "stopped")])
def test_states_have_the_words_of_the_list(number: int, state: str) -> None:
    assert saved(pause_controller={"state": number}).state == state


def test_a_service_for_every_host_is_listed_as_such() -> None:
    assert saved(options={**SERVICE["options"], "hosts": None}).hosts == ("*",)


def test_without_files_the_certificate_is_the_proxys_own_affair() -> None:
    options = {**SERVICE["options"], "tls_certificate_path": "", "tls_private_key_path": ""}

    assert saved(options=options).certificate_path is None


def test_targets_for_reading_are_targets_too() -> None:
    assert saved(active_readers=["reader:3000"]).targets == ("psyfit-web-1771900000:3000", "reader:3000")


@pytest.mark.parametrize(
    ("target", "host", "port"), [("web:3000", "web", 3000), ("web", "web", 80), ("172.18.0.6:3000", "172.18.0.6", 3000)]
)
def test_a_target_is_a_host_and_a_port(target: str, host: str, port: int) -> None:
    assert (host_of(target), port_of(target)) == (host, port)


def test_the_health_path_is_asked_at_the_containers_address_as_it_is_now() -> None:
    assert health_url("psyfit-web-1771900000:3000", container(), saved()) == "http://172.18.0.6:3000/up"


def test_the_health_path_is_asked_at_the_targets_own_address_where_it_has_one() -> None:
    assert health_url("172.18.0.9:3000", None, saved()) == "http://172.18.0.9:3000/up"


def test_a_target_without_an_address_cannot_be_asked() -> None:
    assert health_url("gone:3000", None, saved()) is None


def test_the_health_check_may_have_a_port_of_its_own() -> None:
    check = {"health_check_config": {"path": "/ready", "port": 9000}}

    assert health_url("172.18.0.9:3000", None, saved(target_options=check)) == "http://172.18.0.9:9000/ready"


@pytest.mark.parametrize(("output", "status"), [(Output(0, "200", ""), 200), (Output(7, "000", ""), None)])
def test_no_answer_is_an_answer(output: Output, status: int | None) -> None:
    assert http_status_of(output) == status


@pytest.mark.parametrize("output", [Output(127, "", "sh: curl: not found"), Output(2, "", "")])
def test_without_curl_nothing_can_be_told(output: Output) -> None:
    with pytest.raises(Undetermined):
        http_status_of(output)


@given(st.text())
def test_a_foreign_list_is_read_or_refused(text: str) -> None:
    try:
        read_list(text)
    except (ValueError, LookupError, TypeError):
        return


@given(
    part=st.sampled_from(sorted(SERVICE)),
    value=st.none()
    | st.integers()
    | st.text()
    | st.lists(st.text())
    | st.dictionaries(st.sampled_from(["hosts", "tls_enabled", "state", "health_check_config"]), st.integers()),
)
def test_a_foreign_state_file_is_read_or_refused(part: str, value: object) -> None:
    try:
        read_state(json.dumps([{**SERVICE, part: value}]))
    except (ValueError, LookupError, TypeError):
        return


@pytest.mark.parametrize(("state", "tls"), [("asleep", "no"), ("running", "maybe")])
def test_words_that_the_proxys_list_does_not_have_are_refused(state: str, tls: str) -> None:
    with pytest.raises(ValueError, match="are not words of the proxy's list"):
        read_list(listing(("web", "*", "/", "web:80", state, tls)))


def test_an_empty_line_of_the_list_says_nothing() -> None:
    assert read_list("\n" + listing(("web", "*", "/", "web:80", "running", "no")) + "\n").keys() == {"web"}


@pytest.mark.parametrize(
    "changed",
    [
        {"options": {**SERVICE["options"], "tls_enabled": "yes"}},
        {"pause_controller": {"state": 9}},
        {"active_targets": "web:80"},
    ],
    ids=["TLS", "state", "targets"],
)
def test_what_the_proxy_does_not_save_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        saved(**changed)


def test_without_files_there_are_no_paths_and_the_cache_is_where_it_says() -> None:
    options = {**SERVICE["options"], "tls_certificate_path": None, "tls_private_key_path": ""}
    assert (saved(options=options).certificate_path, saved(options=options).key_path) == (None, None)
    assert saved(options={**options, "tls_private_key_path": None}).key_path is None
    assert saved(options={**options, "acme_cache_path": "/cache"}).acme_cache == "/cache"


def test_only_a_target_that_has_an_address_is_asked() -> None:
    state = json.dumps([{**SERVICE, "active_readers": ["gone:3000"]}])
    answers: dict[Question[Any], object] = {
        STATE: Output(0, state, ""),
        CONTAINERS: (inspection(),),
        NOW: Output(0, "1", ""),
        BACKEND.with_values(url="http://172.18.0.6:3000/up"): Output(0, "200", ""),
    }
    found = looking(load("lab"), answers).observe(backends)
    assert [(one.container is not None, one.http_status) for one in found] == [(True, 200), (False, None)]


def test_behind_a_service_that_the_proxy_does_not_have_is_nothing() -> None:
    answers: dict[Question[Any], object] = {STATE: Output(0, "[]", ""), CONTAINERS: (), NOW: Output(0, "1", "")}
    assert looking(load("lab"), answers).observe(backends) == ()
