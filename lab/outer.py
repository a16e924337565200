"""The outer container that is the lab's server, with its volume and its network on the machine's own engine."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Any

from lab import LabError
from lab.server import DEFAULT_NAME, LABEL, Server

ADDRESS_LABEL = "runbook.address"
LOOPBACK = ipaddress.ip_address("127.77.0.0")
LABS_AT_MOST = 254
PORTS = {"22/tcp": 22022, "443/tcp": 22443, "80/tcp": 22080, "53/udp": 22053, "8030/tcp": 22030, "8900/tcp": 22900}
DOMAINS = ("psytech.jp", "www.psytech.jp")


def start(client: Any, server: Server, image: str) -> str:
    """Start the server; returns the loopback address on which it is reached."""
    address = _free_address(client, server)
    labels = {LABEL: server.name, ADDRESS_LABEL: address}
    client.volumes.create(server.container, labels=labels)
    client.networks.create(server.container, driver="bridge", labels=labels)
    api = client.api
    created = api.create_container(
        image,
        name=server.container,
        hostname="psyfit",
        labels=labels,
        ports=[tuple(port.split("/")) for port in PORTS],
        host_config=_host_config(client, server, address),
        networking_config=api.create_networking_config({server.container: api.create_endpoint_config()}),
    )
    api.start(created)
    return address


def address_of(client: Any, server: Server) -> str | None:
    """The loopback address of the lab of this name; None where there is no such lab."""
    from docker.errors import NotFound

    try:
        return str(client.containers.get(server.container).labels[ADDRESS_LABEL])
    except NotFound:
        return None


def labs(client: Any) -> list[str]:
    """The names of all labs on this machine, also of those of which only a part is left."""
    by_label = {"filters": {"label": LABEL}}
    things = [
        *client.api.containers(all=True, **by_label),
        *(client.api.volumes(**by_label)["Volumes"] or ()),
        *client.api.networks(**by_label),
    ]
    return sorted({thing["Labels"][LABEL] for thing in things})


def remove(client: Any, server: Server) -> None:
    """Remove container, volume and network, those of them that are there."""
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        client.api.remove_container(server.container, force=True, v=True)
    with contextlib.suppress(NotFound):
        client.api.remove_network(server.container)
    with contextlib.suppress(NotFound):
        client.api.remove_volume(server.container)


def _host_config(client: Any, server: Server, address: str) -> dict[str, Any]:
    """As privileged as the machine can make it.

    `--privileged` itself fails on a machine that lacks one capability, so all that it gives is asked for one by one,
    without the one that machines lack and the nested engine does without.
    """
    binds = {server.container: {"bind": "/var/lib/docker", "mode": "rw"}}
    one_cgroup_tree = client.info().get("CgroupVersion", "1") == "1"
    if one_cgroup_tree:
        binds["/sys/fs/cgroup"] = {"bind": "/sys/fs/cgroup", "mode": "rw"}
    config: dict[str, Any] = client.api.create_host_config(
        binds=binds,
        cap_add=["ALL"],
        cap_drop=["SYS_RESOURCE"],
        cgroupns="host" if one_cgroup_tree else "private",
        device_cgroup_rules=["b 7:* rmw", "c 10:237 rmw"],  # loop devices, for the file system of the backups
        dns=["127.0.0.1"],  # nobody answers there: names are looked up nowhere
        extra_hosts=dict.fromkeys(DOMAINS, "127.0.0.1"),
        port_bindings={port: (address, number) for port, number in PORTS.items()},
        security_opt=["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
    )
    # What the command line calls systempaths=unconfined.
    return {**config, "MaskedPaths": [], "ReadonlyPaths": []}


def _free_address(client: Any, server: Server) -> str:
    containers = client.api.containers(all=True, filters={"label": LABEL})
    taken = {container["Labels"][ADDRESS_LABEL] for container in containers}
    numbers = range(1 if server.name == DEFAULT_NAME else 2, LABS_AT_MOST + 1)
    for address in (str(LOOPBACK + number) for number in numbers):
        if address not in taken and all(_is_free(address, port) for port in PORTS.values()):
            return address
        if server.name == DEFAULT_NAME:
            raise LabError(f"a port of {address} is taken by another program: {', '.join(map(str, PORTS.values()))}")
    raise LabError("no loopback address is free for another lab")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
