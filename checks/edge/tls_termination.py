"""The edge: who ends TLS for the domain, kamal-proxy itself or nginx in front of it, and how requests get behind it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from checks.docker.containers import CONTAINERS
from checks.edge.health_api import HEALTH
from checks.edge.nginx_files import CONFIGURATION
from checks.formats.nginx_config import HTTPS_PORT, Site, read_site
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Inspection
from runbook.observation.snapshot import Snapshot, reading

LISTENING = Command("awk '$4 == \"0A\" {{ print $2 }}' /proc/net/tcp /proc/net/tcp6 2>/dev/null || :")

Who = Literal["kamal-proxy", "nginx"]
ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # what Docker says where it binds to every address
HTTP_PORT = 80


@dataclass(frozen=True)
class Published:
    """Where one of the proxy's ports is reached: at this address of the server, empty for every one."""

    address: str
    port: int

    @property
    def to_everybody(self) -> bool:
        """Whether it is reached from elsewhere."""
        return self.address in ANYWHERE or not ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return f"{self.address or 'every address'}, port {self.port}"

    def is_reached_at(self, host: str, port: int) -> bool:
        """Whether a program on the server comes to it so."""
        host = host.strip("[]")
        local = host == "localhost" or _is_loopback(host)
        here = self.address in ANYWHERE or host == self.address or (local and _is_loopback(self.address))
        return here and port == self.port


@dataclass(frozen=True)
class Edge:
    """Who ends TLS for the domain.

    Attributes:
        who: None where neither the proxy is reached by HTTPS nor nginx has a server for the domain.
        port: On the server itself.
        listened: Whether a program listens there; Docker may publish a port without one.
        site: nginx's server, where it is nginx.
        plain: Where the proxy is reached by plain HTTP.
        proxy_addresses: The proxy's own, on its networks.
    """

    who: Who | None
    port: int
    listened: bool
    site: Site | None
    plain: tuple[Published, ...]
    proxy_addresses: tuple[str, ...]

    def leads_to_proxy(self, target: str) -> bool:
        """Whether this ``host:port``, seen from the server, is the proxy."""
        host, _, port = target.rpartition(":")
        if not port.isdigit():
            host, port = target, str(HTTP_PORT)
        if host in self.proxy_addresses and int(port) == HTTP_PORT:
            return True
        return any(one.is_reached_at(host, int(port)) for one in self.plain)


def edge(snapshot: Snapshot) -> Edge:
    """Who ends TLS for the domain, by what the proxy publishes and by nginx's files.

    Raises:
        Undetermined: Another program listens for HTTPS, of which nothing is known here.
    """
    inspected, listening = snapshot.ask(CONTAINERS, LISTENING)
    with reading("the proxy's ports"):
        proxy = next((one for one in inspected if str(one["Name"]) == f"/{snapshot.target.containers.proxy}"), None)
        https, plain = (tuple(published(proxy, port)) for port in ("443/tcp", "80/tcp"))
        addresses = tuple(_addresses(proxy))
    with reading("the ports that are listened on"):
        ports = read_listening(listening.lines)
    own = [one.port for one in https if one.to_everybody]
    if HTTPS_PORT in own:
        return Edge("kamal-proxy", HTTPS_PORT, HTTPS_PORT in ports, None, plain, addresses)
    configuration = snapshot.ask(CONFIGURATION)
    with reading("nginx's configuration"):
        site = read_site(configuration.out, snapshot.target.domain, HEALTH.path)
    if site is not None:
        return Edge("nginx", site.port, site.port in ports, site, plain, addresses)
    if own:
        return Edge("kamal-proxy", own[0], own[0] in ports, None, plain, addresses)
    if HTTPS_PORT in ports:
        raise Undetermined("neither the proxy nor nginx listens on port 443, and of others nothing is known here")
    return Edge(None, HTTPS_PORT, False, None, plain, addresses)


def read_listening(lines: Iterable[str]) -> frozenset[int]:
    """The TCP ports that are listened on.

    Raises:
        ValueError: These are not the kernel's lines.
    """
    return frozenset(int(line.rpartition(":")[2], 16) for line in lines)


def published(proxy: Inspection | None, port: str) -> Iterator[Published]:
    """Where this port of the proxy is reached on the server.

    Raises:
        LookupError, TypeError, ValueError: It is not an inspection.
    """
    host = _table(proxy["HostConfig"]) if proxy else {}
    if host.get("NetworkMode") == "host":
        yield Published("", int(port.partition("/")[0]))
    for one in map(_table, _table(host.get("PortBindings") or {}).get(port) or ()):
        address = str(one.get("HostIp") or "")
        if address not in ANYWHERE:
            ipaddress.ip_address(address)
        if one.get("HostPort"):
            yield Published(address, int(one["HostPort"]))


def _addresses(proxy: Inspection | None) -> Iterator[str]:
    networks = _table(_table(proxy["NetworkSettings"]).get("Networks") or {}) if proxy else {}
    return (str(_table(one)["IPAddress"]) for one in networks.values() if _table(one).get("IPAddress"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("this is not a table")
    return value
