"""What kamal-proxy serves, as it lists it and as it saved it, and what answers behind it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from checks.docker.containers import Container, fleet
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output, lines_of
from runbook.observation.snapshot import Snapshot, reading

LIST = Command("docker exec {proxy} kamal-proxy list", needs=rights.DOCKER, lane="docker")
STATE = Command(
    "docker exec {proxy} cat /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state",
    needs=rights.DOCKER,
    lane="docker",
)
BACKEND = Command("curl -s -o /dev/null -w '%{{http_code}}' --noproxy '*' --max-time 3 {url}", seconds=6)

COLUMNS = ("Service", "Host", "Path", "Target", "State", "TLS")
ACME_CACHE = "/home/kamal-proxy/.config/kamal-proxy/certs"
STATES = ("running", "paused", "stopped")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
NO_CURL = 127


@dataclass(frozen=True)
class Listed:
    """The service as ``kamal-proxy list`` tells it. ``state`` says nothing of what is behind it."""

    hosts: tuple[str, ...]
    targets: tuple[str, ...]
    state: str
    tls: bool

    def serves(self, domain: str) -> bool:
        """Whether requests for the domain come to it: by name, by a wildcard for the first label, or as all do."""
        _, _, parent = domain.partition(".")
        return not {domain, f"*.{parent}", "*"}.isdisjoint(self.hosts)


@dataclass(frozen=True)
class Saved:
    """The service as it stands in the proxy's state file.

    Attributes:
        targets: Where requests go, each as ``host`` or ``host:port``.
        certificate_path: In the proxy's container; None where the proxy gets its certificates by itself (ACME).
        key_path: The same for the private key.
        acme_cache: Where it keeps those that it got by itself.
        health_path: The path on which a release says that it is ready.
        health_port: The port for it; 0 stands for the target's own.
    """

    hosts: tuple[str, ...]
    targets: tuple[str, ...]
    state: str
    tls: bool
    certificate_path: str | None
    key_path: str | None
    acme_cache: str
    health_path: str
    health_port: int

    @property
    def as_listed(self) -> Listed:
        """The part of it that the list tells too."""
        return Listed(self.hosts, self.targets, self.state, self.tls)


@dataclass(frozen=True)
class Backend:
    """One target of the route.

    Attributes:
        target: As the proxy has it.
        container: Whom its name or address belongs to now; None where it belongs to nobody.
        http_status: What it answers on the release's health path; None where it does not answer.
    """

    target: str
    container: Container | None
    http_status: int | None


def proxy_list(snapshot: Snapshot) -> Listed | None:
    """The service in the proxy's list; None where it is not listed."""
    listed = snapshot.ask(LIST).required("the proxy's list")
    with reading("the proxy's list"):
        return read_list(listed.out).get(snapshot.target.containers.proxy_service)


def proxy_state(snapshot: Snapshot) -> Saved | None:
    """The service in the proxy's state file; None where it is not there."""
    state = snapshot.ask(STATE).required("the proxy's state file")
    with reading("the proxy's state file"):
        return read_state(state.out).get(snapshot.target.containers.proxy_service)


def backends(snapshot: Snapshot) -> tuple[Backend, ...]:
    """What the proxy's targets are now, and whether they answer, asked from the server itself."""
    saved, present = snapshot.observe(proxy_state), snapshot.observe(fleet)
    if saved is None:
        return ()
    owners = [present.by_host(host_of(target)) for target in saved.targets]
    urls = [health_url(target, owner, saved) for target, owner in zip(saved.targets, owners, strict=True)]
    answers = iter(snapshot.ask_all(BACKEND.with_values(url=url) for url in urls if url))
    return tuple(
        Backend(target, owner, http_status_of(next(answers)) if url else None)
        for target, owner, url in zip(saved.targets, owners, urls, strict=True)
    )


def read_list(text: str) -> dict[str, Listed]:
    """Read ``kamal-proxy list``: a table with colours, its columns as wide as what is in them.

    Raises:
        LookupError, ValueError: It is not that table.
    """
    lines = [COLOURS.sub("", line).rstrip() for line in lines_of(text)]
    header, *rows = [line for line in lines if line.strip()]
    starts = [header.index(column) for column in COLUMNS]
    ends = [*starts[1:], None]
    services = {}
    for row in rows:
        name, host, _, target, state, tls = (row[start:end].strip() for start, end in zip(starts, ends, strict=True))
        if state not in STATES or tls not in ("yes", "no"):
            raise ValueError(f"state {state!r} and TLS {tls!r} are not words of the proxy's list")
        services[name] = Listed(tuple(host.split(",")), tuple(target.split(",")), state, tls == "yes")
    return services


def read_state(text: str) -> dict[str, Saved]:
    """Read the proxy's state file.

    Raises:
        LookupError, TypeError, ValueError: It is not one.
    """
    return {service["name"]: _read_service(service) for service in _list(json.loads(text))}


def _read_service(service: dict[str, Any]) -> Saved:
    options, check = service["options"], service["target_options"]["health_check_config"]
    tls, state = options["tls_enabled"], service["pause_controller"]["state"]
    if not isinstance(tls, bool) or state not in range(len(STATES)):
        raise ValueError(f"TLS {tls!r} and state {state!r} are not what the proxy saves")
    return Saved(
        hosts=tuple(map(str, _list(options["hosts"]))) or ("*",),
        targets=tuple(map(str, [*_list(service["active_targets"]), *_list(service["active_readers"])])),
        state=STATES[state],
        tls=tls,
        certificate_path=str(options["tls_certificate_path"] or "") or None,
        key_path=str(options["tls_private_key_path"] or "") or None,
        acme_cache=str(options.get("acme_cache_path") or ACME_CACHE),
        health_path=str(check["path"]),
        health_port=int(check["port"]),
    )


def _list(value: object) -> list[Any]:
    """Go writes a list without members as null."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError("this is not a list")
    return value


def host_of(target: str) -> str:
    """The host of a target."""
    host, colon, port = target.rpartition(":")
    return host if colon and port.isdigit() else target


def port_of(target: str) -> int:
    """The port of a target: 80 where it names none, as the proxy takes it."""
    _, colon, port = target.rpartition(":")
    return int(port) if colon and port.isdigit() else 80


def health_url(target: str, owner: Container | None, saved: Saved) -> str | None:
    """Where the server itself reaches the target's health path; None where the target has no address."""
    host = host_of(target)
    address = host if re.fullmatch(r"[0-9.]+", host) else next(iter(owner.addresses if owner else ()), None)
    return f"http://{address}:{saved.health_port or port_of(target)}{saved.health_path}" if address else None


def http_status_of(answer: Output) -> int | None:
    """The HTTP status that curl saw; None where nothing answered.

    Raises:
        Undetermined: There is no curl on the server.
    """
    if answer.status == NO_CURL:
        raise Undetermined("the release behind the proxy could not be asked: there is no curl on the server")
    with reading("curl's answer"):
        return int(answer.out) or None
