"""What the Docker Engine shows: which container is which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.backups.volume_archives import read_volumes
from checks.edge.tls_termination import published
from discovery.facts import Fact, only
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Inspection
from runbook.observation.snapshot import reading

DOCKER_ROOT = Command("docker info --format '{{{{.DockerRootDir}}}}'", needs=rights.DOCKER, lane="docker")


@dataclass(frozen=True)
class Parts:
    """The containers that play a part, by their names; several where more than one could."""

    proxy: tuple[str, ...]
    db: tuple[str, ...]
    redis: tuple[str, ...]


def facts_in_containers(inspected: Iterable[Inspection]) -> dict[str, Fact]:
    """What the containers tell by their names, images and ports."""
    listed = tuple(inspected)
    parts = read_parts(listed)
    facts = {f"containers.{name}": only(vars(parts)[name], f"container of the {name}") for name in vars(parts)}
    proxy = next((one for one in listed if name_of(one) == facts["containers.proxy"].value), None)
    for key, port in (("edge.https_port", "443/tcp"), ("edge.http_port", "80/tcp")):
        number = _published(proxy, port)
        why = f"the proxy publishes no port {port} to everybody: something else may be in front of it"
        facts[key] = Fact(number, "as the proxy publishes it") if number else Fact(None, why)
    return facts


def volumes_of(inspected: Iterable[Inspection], prefix: Fact) -> Fact:
    if prefix.value is None:
        return Fact(None, prefix.source)
    try:
        with reading("the releases' volumes"):
            found = tuple(read_volumes(inspected, str(prefix.value)))
    except Undetermined as error:
        return Fact(None, error.reason)
    return Fact(found, "as the web releases have them") if found else Fact(None, "no web release has a volume")


def others_among(inspected: Iterable[Inspection], facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The containers that play no part in the service, as far as its parts are known."""
    known = {facts[f"containers.{part}"].value for part in ("proxy", "db", "redis")}
    prefix = facts["containers.web_prefix"].value
    names = sorted(map(name_of, inspected))
    return tuple(one for one in names if one not in known and not (prefix and one.startswith(str(prefix))))


def read_parts(inspected: Iterable[Inspection]) -> Parts:
    """Sort containers by what they run; an inspection that cannot be read plays no part."""
    found: dict[str, list[str]] = {"proxy": [], "db": [], "redis": []}
    for one in inspected:
        part = _part(one)
        if part is not None and name_of(one):
            found[part].append(name_of(one))
    return Parts(**{part: tuple(sorted(names)) for part, names in found.items()})


def _part(one: Inspection) -> str | None:
    config = table_in(one.get("Config"))
    image = str(config.get("Image")).rpartition("/")[2].partition(":")[0]
    ports = table_in(config.get("ExposedPorts"))
    if image == "kamal-proxy":
        return "proxy"
    if "5432/tcp" in ports or image in ("postgres", "postgis"):
        return "db"
    return "redis" if "6379/tcp" in ports or image == "redis" else None


def _published(proxy: Inspection | None, port: str) -> int | None:
    try:
        found = [one.port for one in published(proxy, port) if one.to_everybody]
    except (LookupError, TypeError, ValueError):
        return None
    return found[0] if found else None


def name_of(one: Inspection) -> str:
    return str(one.get("Name", "")).removeprefix("/")


def table_in(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
