"""Who ends TLS, by what the proxy publishes and who listens."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker.containers import CONTAINERS
from checks.edge.nginx_files import CONFIGURATION
from checks.edge.tls_termination import LISTENING, Edge, Published, edge, published, read_listening
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.model.target_file import load
from tests.unit.answering import looking
from tests.unit.test_nginx_config import LAB, told

TARGET = load("lab")
EVERYWHERE, LOOPBACK = "", "127.0.0.1"


def proxy(https: str | None, plain: str | None, **more: Any) -> dict[str, Any]:
    """The proxy's inspection: on which addresses its two ports are published, on which of the server's they are."""
    bindings = {
        port: [{"HostIp": at.rpartition(":")[0], "HostPort": at.rpartition(":")[2]}]
        for port, at in (("443/tcp", https), ("80/tcp", plain))
        if at is not None
    }
    return {
        "Name": "/kamal-proxy",
        "HostConfig": {"NetworkMode": "kamal", "PortBindings": bindings, **more},
        "NetworkSettings": {"Networks": {"kamal": {"IPAddress": "10.78.0.2"}}},
    }


def seen(proxy_: dict[str, Any] | None, *ports: int, site: str = "") -> Edge:
    configuration = Output(0, told(site=site) if site else "", "")
    listening = "".join(f"00000000:{port:04X}\n" for port in ports)
    return edge(
        looking(
            TARGET,
            {
                CONTAINERS: ({"Name": "/other"}, proxy_) if proxy_ else (),
                LISTENING: Output(0, listening, ""),
                CONFIGURATION: configuration,
            },
        )
    )


def test_the_proxy_that_publishes_443_ends_tls_itself_whatever_lies_in_nginxs_folder() -> None:
    found = seen(proxy(":443", ":80"), 443, 80, site=LAB)
    assert (found.who, found.port, found.listened, found.site) == ("kamal-proxy", 443, True, None)


def test_docker_may_publish_without_listening() -> None:
    assert seen(proxy(":443", ":80")).who == "kamal-proxy"


def test_the_proxy_on_the_servers_own_network_ends_tls_itself() -> None:
    assert seen(proxy(None, None, NetworkMode="host"), 443).who == "kamal-proxy"


@pytest.mark.parametrize("https", [None, "127.0.0.1:443", "127.0.0.1:8443"])
def test_nginx_ends_it_where_only_nginx_reaches_the_proxy(https: str | None) -> None:
    found = seen(proxy(https, "127.0.0.1:8080"), 443, 8080, site=LAB)
    assert (found.who, found.port, found.listened) == ("nginx", 443, True)
    assert found.site is not None
    assert all(map(found.leads_to_proxy, found.site.passes_to))


def test_nginx_that_is_stopped_is_the_edge_still() -> None:
    found = seen(proxy(None, "127.0.0.1:8080"), 8080, site=LAB)
    assert (found.who, found.listened) == ("nginx", False)


def test_another_port_of_the_proxys_counts_where_nginx_has_none() -> None:
    found = seen(proxy(":8443", ":8080"), 8443, 8080)
    assert (found.who, found.port, found.listened) == ("kamal-proxy", 8443, True)


def test_where_nobody_listens_nobody_is_the_edge() -> None:
    assert seen(proxy(None, "127.0.0.1:8080"), 8080).who is None
    assert seen(None).who is None


def test_of_a_program_that_is_not_known_nothing_is_said() -> None:
    with pytest.raises(Undetermined, match="neither the proxy nor nginx listens"):
        seen(proxy(None, "127.0.0.1:8080"), 443)


@pytest.mark.parametrize(
    ("plain", "target", "leads"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080", True),
        ("127.0.0.1:8080", "localhost:8080", True),
        ("127.0.0.1:8080", "127.0.0.1:8081", False),
        ("127.0.0.1:8080", "203.0.113.5:8080", False),
        ("0.0.0.0:8080", "203.0.113.5:8080", True),
        (":8080", "[::1]:8080", True),
        ("203.0.113.5:8080", "203.0.113.5:8080", True),
        ("203.0.113.5:8080", "127.0.0.1:8080", False),
        ("127.0.0.1:8080", "10.78.0.2:80", True),
        ("127.0.0.1:8080", "10.78.0.2:3000", False),
        ("127.0.0.1:8080", "unix:/run/web.sock", False),
        ("127.0.0.1:80", "localhost", True),
    ],
)
def test_whether_a_target_is_the_proxy(plain: str, target: str, leads: bool) -> None:
    assert seen(proxy(":443", plain)).leads_to_proxy(target) is leads


def test_one_of_the_proxys_addresses_is_enough() -> None:
    plain = (Published(LOOPBACK, 8080), Published(LOOPBACK, 8081))
    assert Edge(None, 443, False, None, plain, ()).leads_to_proxy("localhost:8081")


def test_docker_may_say_nothing_of_an_address() -> None:
    inspected = {"HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": None, "HostPort": "80"}]}}}
    assert list(published(inspected, "80/tcp")) == [Published(EVERYWHERE, 80)]


@pytest.mark.parametrize("networks", [None, {"kamal": {"IPAddress": ""}}, {"kamal": {}}])
def test_a_proxy_that_is_stopped_has_no_address(networks: object) -> None:
    stopped = proxy(":443", ":80") | {"NetworkSettings": {"Networks": networks}}
    assert seen(stopped).proxy_addresses == ()


def test_the_kernels_lines_are_read() -> None:
    lines = ["00000000:01BB", "0100007F:1F90", "00000000000000000000000000000000:0016"]
    assert read_listening(lines) == {443, 8080, 22}


@given(st.lists(st.text()))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(ValueError):
        assert all(port >= 0 for port in read_listening(lines))


JSON = st.recursive(st.none() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of))


@given(
    st.fixed_dictionaries(
        {"HostConfig": JSON | st.fixed_dictionaries({"PortBindings": JSON | st.dictionaries(st.just("80/tcp"), JSON)})}
    )
)
def test_any_bindings_are_read_or_refused(inspected: dict[str, Any]) -> None:
    with contextlib.suppress(LookupError, TypeError, ValueError):
        assert all(isinstance(one, Published) for one in published(inspected, "80/tcp"))
