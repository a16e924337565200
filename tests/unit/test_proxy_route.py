"""The proxy's route: the flags that say every option of it again, and what is refused because none could."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.rollback.proxy_route import differences, lost, read_route

REFUSALS = (ValueError, LookupError, TypeError)

SERVICE: dict[str, Any] = {
    "name": "psyfit-web",
    "options": {
        "hosts": ["psytech.jp"],
        "path_prefixes": ["/"],
        "tls_enabled": True,
        "tls_certificate_path": "/certificates/cert.pem",
        "tls_private_key_path": "/certificates/key.pem",
        "tls_redirect": True,
        "canonical_host": "",
        "acme_directory": "",
        "acme_cache_path": "/home/kamal-proxy/.config/kamal-proxy/certs",
        "error_page_path": "",
        "strip_prefix": True,
        "writer_affinity_timeout": 1_000_000_000,
        "read_targets_accept_websockets": False,
    },
    "target_options": {
        "health_check_config": {
            "path": "/up",
            "port": 0,
            "interval": 1_000_000_000,
            "timeout": 3_000_000_000,
            "host": "",
        },
        "response_timeout": 45_000_000_000,
        "buffer_requests": True,
        "buffer_responses": False,
        "max_memory_buffer_size": 2_097_152,
        "max_request_body_size": 10_485_760,
        "max_response_body_size": 0,
        "log_request_headers": ["X-Request-Id", "User-Agent"],
        "log_response_headers": None,
        "forward_headers": False,
        "scope_cookie_paths": False,
    },
    "active_targets": ["psyfit-web-2:3000"],
    "active_readers": None,
    "rollout_targets": None,
    "rollout_readers": None,
    "pause_controller": {"state": 0, "stop_message": "", "fail_after": 0},
    "rollout_controller": None,
}


def entry(**changed: Any) -> str:
    """The service's entry as the proxy writes it, with some of it changed; ``part__name`` changes one of a part."""
    service = copy.deepcopy(SERVICE)
    for path, value in changed.items():
        part, _, name = path.partition("__")
        if name:
            service[part][name] = value
        else:
            service[part] = value
    return json.dumps(service, separators=(",", ":"))


def test_every_option_is_said_again() -> None:
    flags = read_route(entry()).flags

    assert {
        "--host=psytech.jp",
        "--tls=true",
        "--tls-certificate-path=/certificates/cert.pem",
        "--tls-private-key-path=/certificates/key.pem",
        "--health-check-path=/up",
        "--health-check-timeout=3000000000ns",
        "--target-timeout=45000000000ns",
        "--buffer-requests=true",
        "--max-request-body=10485760",
        "--log-request-header=X-Request-Id",
        "--log-request-header=User-Agent",
        "--forward-headers=false",
    } <= set(flags)


def test_a_limit_without_its_buffer_is_not_said_since_the_proxy_would_refuse_it() -> None:
    assert not any(flag.startswith("--max-response-body") for flag in read_route(entry()).flags)


@pytest.mark.parametrize(
    "changed",
    [
        {"options__an_option_of_tomorrow": "on"},
        {"target_options__an_option_of_tomorrow": 7},
        {"a_part_of_tomorrow": None},
        {"options__acme_directory": "https://authority.example/directory"},
        {"options__hosts": ["one,two"]},
        {"active_targets": ["psyfit-web-1:3000", "psyfit-web-2:3000"]},
        {"active_targets": []},
        {"active_readers": ["psyfit-web-3:3000"]},
        {"rollout_targets": ["psyfit-web-3:3000"]},
        {"pause_controller": {"state": 1}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_a_deploy_would_lose_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(REFUSALS):
        read_route(entry(**changed))


def test_an_unknown_option_that_is_off_is_no_reason_to_refuse() -> None:
    read_route(entry(options__an_option_of_tomorrow=False))


def test_a_route_led_elsewhere_differs_in_its_target_alone() -> None:
    before = read_route(entry())
    left = before.to("psyfit-web-1:3000")

    assert left == read_route(entry(active_targets=["psyfit-web-1:3000"]))
    assert differences(before, left) == ()
    assert left.to(before.target) == before


def test_what_changed_is_named_field_by_field() -> None:
    after = read_route(entry(options__tls_enabled=False, target_options__buffer_requests=False))

    assert differences(read_route(entry()), after) == (
        "options.tls_enabled: true before, false now",
        "target_options.buffer_requests: true before, false now",
    )
    assert lost(read_route(entry()), after.entry) == ("options.tls_enabled", "target_options.buffer_requests")


@pytest.mark.parametrize(
    ("target", "by_address"),
    [("172.18.0.5:3000", True), ("[fd00::5]:3000", True), ("psyfit-web-2:3000", False), ("b4dd2656cae1:3000", False)],
)
def test_an_address_is_told_from_a_name(target: str, by_address: bool) -> None:
    assert read_route(entry(active_targets=[target])).by_address is by_address


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
)


@given(st.sampled_from(sorted(SERVICE)), JSON)
def test_whatever_the_proxy_says_is_read_or_refused(part: str, value: Any) -> None:
    with suppress(*REFUSALS):
        read_route(entry(**{part: value}))


@given(st.text())
def test_text_of_any_kind_is_read_or_refused(text: str) -> None:
    with suppress(*REFUSALS):
        read_route(text)
