"""The proxy's route to the service: how it is now, the flags that keep every option of it, how it is led elsewhere.

`kamal-proxy deploy` replaces every option of a service by those on its command line, so whoever switches a target has
to say them all again. An option that no flag is known for here is refused, so that none is ever lost in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from checks.edge.kamal_proxy import host_of
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

READ = """\
docker exec {proxy} cat /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state |
  sed 's/{{"name":/\\n&/g' | grep -F '{{"name":"'{proxy_service}'",' | sed -e 's/[],]*$//' -e 's/[[][]]/null/g'"""
"""The service's entry in the proxy's state file, by itself; Go writes a list without members in two ways."""

ROUTE = Command(READ, needs=rights.DOCKER, lane="docker")

SERVICE_FLAGS = {
    "hosts": "host",
    "path_prefixes": "path-prefix",
    "strip_prefix": "strip-path-prefix",
    "tls_enabled": "tls",
    "tls_certificate_path": "tls-certificate-path",
    "tls_private_key_path": "tls-private-key-path",
    "tls_redirect": "tls-redirect",
    "canonical_host": "canonical-host",
    "acme_cache_path": "tls-acme-cache-path",
    "error_page_path": "error-pages",
    "writer_affinity_timeout": "writer-affinity-timeout",
    "read_targets_accept_websockets": "read-target-websockets",
}
TARGET_FLAGS = {
    "response_timeout": "target-timeout",
    "buffer_requests": "buffer-requests",
    "buffer_responses": "buffer-responses",
    "max_memory_buffer_size": "buffer-memory",
    "max_request_body_size": "max-request-body",
    "max_response_body_size": "max-response-body",
    "log_request_headers": "log-request-header",
    "log_response_headers": "log-response-header",
    "forward_headers": "forward-headers",
    "scope_cookie_paths": "scope-cookie-paths",
}
HEALTH_FLAGS = {
    "path": "health-check-path",
    "port": "health-check-port",
    "interval": "health-check-interval",
    "timeout": "health-check-timeout",
    "host": "health-check-host",
}
DURATIONS = frozenset({"writer-affinity-timeout", "target-timeout", "health-check-interval", "health-check-timeout"})
"""Saved in nanoseconds."""

ONLY_WITH = {"max_request_body_size": "buffer_requests", "max_response_body_size": "buffer_responses"}
"""Flags that the proxy takes only beside another; without it they have no effect."""

ACME_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
KNOWN = frozenset(
    {
        "name",
        "options",
        "target_options",
        "active_targets",
        "active_readers",
        "rollout_targets",
        "rollout_readers",
        "pause_controller",
        "rollout_controller",
    }
)
LOST_BY_A_DEPLOY = ("active_readers", "rollout_targets", "rollout_readers", "rollout_controller")


@dataclass(frozen=True)
class Route:
    """The service's route.

    Attributes:
        target: Where requests go, as ``host:port``.
        flags: The flags of ``kamal-proxy deploy`` that keep every option of the service.
        entry: The service's entry, as the server itself tells it.
    """

    target: str
    flags: tuple[str, ...]
    entry: str

    def to(self, target: str) -> Route:
        """The same route with every option, leading to another target."""
        here, there = (f'"active_targets":{json.dumps([one])}' for one in (self.target, target))
        return replace(self, target=target, entry=self.entry.replace(here, there))

    @property
    def by_address(self) -> bool:
        """Whether it leads to an address, which may be another one after a restart."""
        return bool(re.fullmatch(r"[0-9.]+|\[[0-9a-fA-F:]+\]", host_of(self.target)))


def route(snapshot: Snapshot) -> Route:
    """The route as it is now.

    Raises:
        Undetermined: There is none, or it has something that no flag is known for here.
    """
    told = snapshot.ask(ROUTE)
    if not told.out.strip():
        told.required("the proxy's state file")
        raise Undetermined("the service is not in the proxy's state file")
    with reading("the service's route"):
        return read_route(told.out)


def read_route(text: str) -> Route:
    """Read the service's entry.

    Raises:
        LookupError, TypeError, ValueError: It is not one, or has something that a deploy would lose.
    """
    (entry,) = lines_of(text)
    service = _table(json.loads(entry))
    unknown = sorted(service.keys() - KNOWN)
    if unknown:
        raise ValueError(f"it has {unknown[0]}, which is not known here")
    for name in LOST_BY_A_DEPLOY:
        if service[name]:
            raise ValueError(f"it has {name}, which a deploy to one target would lose")
    if _table(service["pause_controller"])["state"] != 0:
        raise ValueError("it is not running, and a deploy would not change that")
    (target,) = _list(service["active_targets"])
    if not isinstance(target, str):
        raise TypeError("its target is not text")
    return Route(target, tuple(_flags_of(service)), entry)


def differences(before: Route, after: Route) -> tuple[str, ...]:
    """What is another in ``after`` than in ``before``, the target apart, one phrase a field."""
    was, now = (dict(_fields(json.loads(one.entry))) for one in (before, after))
    return tuple(
        f"{name}: {was.get(name, 'nothing')} before, {now.get(name, 'nothing')} now"
        for name in {**was, **now}
        if name != "active_targets" and was.get(name) != now.get(name)
    )


def lost(before: Route, entry: str) -> tuple[str, ...]:
    """The options of ``before`` that another entry of the service has otherwise, by name.

    Raises:
        LookupError, TypeError, ValueError: It is not an entry.
    """
    was, now = (dict(_fields(_table(json.loads(one)))) for one in (before.entry, entry.strip()))
    return tuple(name for name in was if name != "active_targets" and was[name] != now.get(name))


def _fields(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _fields(one, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(one)


def _flags_of(service: Mapping[str, Any]) -> Iterator[str]:
    options, target_options = dict(_table(service["options"])), dict(_table(service["target_options"]))
    health_check = _table(target_options.pop("health_check_config"))
    directory = options.pop("acme_directory", "")
    if directory not in ("", ACME_STAGING):
        raise ValueError("it has an ACME directory that no flag sets")
    for name, needed in ONLY_WITH.items():
        if not target_options.get(needed):
            target_options.pop(name, None)
    yield from _flags(options, SERVICE_FLAGS)
    yield from ["--tls-staging"] if directory else []
    yield from _flags(health_check, HEALTH_FLAGS)
    yield from _flags(target_options, TARGET_FLAGS)


def _flags(options: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    for option, value in options.items():
        if option in names:
            yield from _spelled(names[option], value)
        elif value:
            raise ValueError(f"it has the option {option}, which is not known here")


def _spelled(flag: str, value: object) -> Iterator[str]:
    match value:
        case bool():
            yield f"--{flag}={str(value).lower()}"
        case int():
            yield f"--{flag}={value}{'ns' if flag in DURATIONS else ''}"
        case str() if value:
            yield f"--{flag}={value}"
        case [*members]:
            yield from (f"--{flag}={_member(one)}" for one in members)
        case None | "":
            return
        case _:
            raise TypeError(f"the value of --{flag} is not of a known kind")


def _member(one: object) -> str:
    """One of several values of a flag, which the proxy reads as a line of comma-separated values."""
    if not isinstance(one, str) or not re.fullmatch(r"[^,\"\r\n]+", one):
        raise ValueError("it has a list with a member that no flag can say")
    return one


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("this is not a table")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("this is not a list")
    return value
