"""The containers of the service, as the server's Docker Engine knows them, and the release that was deployed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook.model import rights
from runbook.model.git_as_owner import answered, asking_git
from runbook.model.question import Command, Inspection, ListContainers
from runbook.model.target import ContainersSettings
from runbook.observation.snapshot import Snapshot, reading

CONTAINERS = ListContainers()
NOW = Command("date +%s")
DEPLOYED = Command(asking_git("ask_git {app} rev-parse HEAD"), needs=rights.CLONE)

COMMIT = re.compile(r"(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])")
WHOLE_COMMIT = 40
SHORTEST_COMMIT = 7

IN_ORDER = (0, 137, 143)
"""Exit codes of what ended by itself, by the signal that asks for it, or by the one that follows if that took long."""

NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""What Docker says of the start of a container that never ran."""


@dataclass(frozen=True)
class Container:
    """One container, running or not.

    Attributes:
        running: Docker means to run it: also true while it is paused, and between two starts of a crash loop.
        health: What its own health check says (``healthy``, ``unhealthy``, ``starting``); None where it has none.
        restarts: How often Docker restarted it by itself since it was last started by hand.
        up_seconds: How long it has been running by the server's clock; None where it is not.
        addresses: Its IP addresses, of all its networks.
        version: The version that its image is labelled with; None where it has no such label.
        revision: The commit that its image is labelled with; None where it has no such label.
        image: The image's name and tag, as it was created with.
        sources: Where on the server its mounts are.
    """

    id: str
    name: str
    running: bool
    paused: bool
    restarting: bool
    health: str | None
    exit_code: int
    out_of_memory: bool
    restarts: int
    restart_policy: str
    up_seconds: float | None
    addresses: tuple[str, ...]
    aliases: tuple[str, ...]
    version: str | None
    revision: str | None
    image: str
    sources: tuple[str, ...]

    def made_from(self, commit: str) -> str | None:
        """The commit that it was made from, by its image's label, else by its own name or its image's.

        In a name a part of a commit counts only where ``commit`` begins with it: a time may look like one.
        """
        if self.revision is not None:
            return self.revision
        named = COMMIT.findall(f"{self.name} {self.image}")
        if any(commit.startswith(one) for one in named):
            return commit
        return next((one for one in named if len(one) == WHOLE_COMMIT), None)

    @property
    def ended_in_order(self) -> bool:
        """It was stopped and did not fail; one that was killed for want of memory says so."""
        return self.exit_code in IN_ORDER and not self.out_of_memory

    def matches_host(self, host: str) -> bool:
        """Whether its network leads this host name or address to it; a stopped container has no address."""
        return host in (self.name, *self.addresses, *self.aliases) or (len(host) >= 12 and self.id.startswith(host))


@dataclass(frozen=True)
class Fleet:
    """The containers by the part that they play.

    Attributes:
        releases: The web releases, running or kept to roll back to, by name, the last first: the newest first where
            names end in a time.
        allowed: Those that the target names as belonging on the server, and what kamal runs once or has replaced.
        unexpected: Those that nobody expects on the server.
    """

    releases: tuple[Container, ...]
    db: Container | None
    redis: Container | None
    proxy: Container | None
    allowed: tuple[Container, ...]
    unexpected: tuple[Container, ...]

    @property
    def known(self) -> tuple[Container, ...]:
        """All that belong to the service."""
        return tuple(one for one in (*self.releases, self.db, self.redis, self.proxy) if one is not None)

    @property
    def running(self) -> tuple[Container, ...]:
        """Those of the service that Docker means to run."""
        return tuple(one for one in self.known if one.running)

    @property
    def running_releases(self) -> tuple[Container, ...]:
        """The web releases that Docker means to run: one, but for the moment of a deploy."""
        return tuple(one for one in self.releases if one.running)

    def by_host(self, host: str) -> Container | None:
        """The container that this host name or address leads to, where there is one."""
        return next((one for one in (*self.known, *self.allowed, *self.unexpected) if one.matches_host(host)), None)


def fleet(snapshot: Snapshot) -> Fleet:
    """Every container on the server."""
    inspected, now = snapshot.ask(CONTAINERS, NOW)
    with reading("the containers"):
        clock = float(now.required("the server's clock").out)
        return classify((read_container(one, clock) for one in inspected), snapshot.target.containers)


def deployed_revision(snapshot: Snapshot) -> str:
    """The commit that the clone on the server stands at: what the last deploy was to bring."""
    return answered(snapshot.ask(DEPLOYED), "the commit of the clone on the server").out.strip()


def classify(containers: Iterable[Container], names: ContainersSettings) -> Fleet:
    """Sort containers by the part that their names give them."""
    by_name = {one.name: one for one in containers}
    releases = [name for name in by_name if is_release(name, names.web_prefix)]
    known = {*releases, names.db, names.redis, names.proxy}
    rest = {name: one for name, one in by_name.items() if name not in known}
    allowed = [name for name in rest if _is_allowed(name, names)]
    return Fleet(
        releases=tuple(by_name[name] for name in sorted(releases, reverse=True)),
        db=by_name.get(names.db),
        redis=by_name.get(names.redis),
        proxy=by_name.get(names.proxy),
        allowed=tuple(rest[name] for name in allowed),
        unexpected=tuple(one for name, one in rest.items() if name not in allowed),
    )


def is_release(name: str, prefix: str) -> bool:
    """Whether a container of this name is a web release: kamal gives the prefix to other things too."""
    return name.startswith(prefix) and not _is_one_off(name, prefix)


def _is_one_off(name: str, prefix: str) -> bool:
    return name.startswith(f"{prefix}exec-") or (name.startswith(prefix) and "_replaced_" in name)


def _is_allowed(name: str, names: ContainersSettings) -> bool:
    named = any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in names.allowed)
    return named or _is_one_off(name, names.web_prefix)


def read_container(inspected: Inspection, now: float) -> Container:
    """Read what ``docker inspect`` says of one container.

    Args:
        inspected: The inspection.
        now: The server's clock as it was inspected, in seconds since 1970.

    Raises:
        LookupError, TypeError, ValueError: It is not an inspection.
    """
    state, config = _table(inspected["State"]), _table(inspected["Config"])
    networks = [_table(one) for one in _table(inspected["NetworkSettings"]["Networks"]).values()]
    labels = _table(config["Labels"] or {})
    started = datetime.fromisoformat(state["StartedAt"])
    return Container(
        id=str(inspected["Id"]),
        name=str(inspected["Name"]).removeprefix("/"),
        running=_flag(state["Running"]) or _flag(state["Restarting"]),
        paused=_flag(state["Paused"]),
        restarting=_flag(state["Restarting"]),
        health=_table(state.get("Health") or {}).get("Status"),
        exit_code=int(state["ExitCode"]),
        out_of_memory=_flag(state["OOMKilled"]),
        restarts=int(inspected["RestartCount"]),
        restart_policy=inspected["HostConfig"]["RestartPolicy"]["Name"] or "no",
        up_seconds=now - started.timestamp() if _flag(state["Running"]) and started > NEVER else None,
        addresses=tuple(one["IPAddress"] for one in networks if one["IPAddress"]),
        aliases=tuple(alias for one in networks for alias in one["Aliases"] or ()),
        version=labels.get("org.opencontainers.image.version") or None,
        revision=labels.get("org.opencontainers.image.revision") or None,
        image=str(config["Image"]),
        sources=tuple(str(one["Source"]) for one in map(_table, inspected.get("Mounts") or ()) if one.get("Source")),
    )


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not a table")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value
