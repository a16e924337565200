"""What to do next about each critical thing of sections 2 and 3 that is not as the runbook says.

`ADVICE` is the one table: from a scenario's id to what is known of its cause and to the next command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from checks.database.service_logins import Login
from checks.docker.container_history import ContainerHistory, ContainerTimeline, Since
from checks.docker.containers import Container, Fleet
from checks.edge.kamal_proxy import Saved, host_of, port_of
from checks.edge.tls_termination import Edge
from drills.rollback.proxy_route import Route
from runbook.model.target import Target
from triage.remedies import (
    LISTING,
    LOG,
    NGINX,
    POINT_PROXY_AT,
    RECONNECT_NETWORK,
    REDEPLOY,
    RESTART,
    RESTORE_TLS,
    RESUME,
    SAME_PASSWORD,
    SHOW_NGINX_UPSTREAM,
    START_AND_POINT_PROXY_AT,
    START_CONTAINER,
    UNPAUSE,
    Remedy,
)


@dataclass(frozen=True)
class Seen:
    """What advice rests on; None where it could not be told."""

    target: Target
    fleet: Fleet | None = None
    lately: ContainerHistory | None = None
    saved: Saved | None = None
    route: Route | None = None
    edge: Edge | None = None
    login: Login | None = None

    def lived(self, container: str) -> ContainerTimeline | None:
        """What is known of a container's latest life."""
        return self.lately.containers.get(container) if self.lately else None


@dataclass(frozen=True)
class Advice:
    """What is known of a cause, and the next command.

    Attributes:
        thing: The container that it is about; None where it is about none.
        remedy: The next command; it ``heals``, or shows more.
        since: Since when it is so; None where nothing tells.
        by: What tells it.
        beside: What has to be known before the command is run.
    """

    thing: str | None
    remedy: Remedy
    heals: bool = True
    since: Since | None = None
    by: str = ""
    beside: str = ""


def the_database(seen: Seen) -> Advice:
    """Stopped, paused or not there."""
    return _down(seen, seen.fleet.db if seen.fleet else None)


def redis(seen: Seen) -> Advice:
    """The same."""
    return _down(seen, seen.fleet.redis if seen.fleet else None)


def the_proxy(seen: Seen) -> Advice:
    """The same."""
    return _down(seen, seen.fleet.proxy if seen.fleet else None)


def the_web_release(seen: Seen) -> Advice:
    """Of several that are stopped, the one that the proxy leads to, else the one that ended last in good order."""
    releases = seen.fleet.releases if seen.fleet else ()
    paused = next((one for one in releases if one.paused), None)
    if paused:
        return _down(seen, paused)
    wanted = _led_to(seen, releases) or _last_ended(seen, releases)
    if wanted is None:
        return Advice(None, REDEPLOY)
    advice = _down(seen, wanted)
    if seen.route and seen.route.by_address:
        remedy = START_AND_POINT_PROXY_AT.with_values(container=wanted.name, **_to(seen, wanted, seen.route))
        return replace(advice, remedy=remedy, beside="it may come back with another address than the proxy routes to")
    return advice


def restarts(seen: Seen) -> Advice:
    """Why it ends again and again stands in its log."""
    known = seen.fleet.known if seen.fleet else ()
    worst = max(known, key=lambda one: (one.restarting, one.out_of_memory, one.restarts), default=None)
    if worst is None:
        return Advice(None, LISTING, heals=False)
    lived = seen.lived(worst.name)
    return Advice(
        worst.name,
        LOG.with_values(container=worst.name),
        heals=False,
        since=_streak(lived.died if lived else ()),
        by="the engine's events: the first end in a row",
    )


def log_in_to_the_database(seen: Seen) -> Advice:
    """The networks have come apart, or the passwords."""
    db, release = (seen.fleet.db, seen.login.release) if seen.fleet and seen.login else (None, None)
    if db is None or release is None or seen.login is None:
        return Advice(None, LISTING, heals=False)
    ours, theirs = (lived.networks if (lived := seen.lived(one.name)) else None for one in (release, db))
    if ours and theirs is not None and not ours & theirs:
        remedy = RECONNECT_NETWORK.with_values(network=min(ours), container=db.name)
        return Advice(db.name, remedy, since=_last_taken_off(seen, db), by="the engine's events: it left a network")
    role = seen.login.role_refused
    if role:
        return Advice(
            db.name,
            SAME_PASSWORD.with_values(release=release.name, role=role),
            beside="the database accepts the password that the running release has",
        )
    return Advice(db.name, LOG.with_values(container=db.name), heals=False)


def passing_on(seen: Seen) -> Advice:
    """Somebody has paused or stopped the service in the proxy, or taken it out."""
    proxy, since, by = seen.target.containers.proxy, *_route_since(seen)
    if seen.saved and seen.saved.state != "running":
        return Advice(proxy, RESUME, since=since, by=by)
    if seen.saved is None and seen.fleet and seen.fleet.proxy:
        return Advice(proxy, REDEPLOY, since=since, by=by)
    return Advice(proxy, LOG.with_values(container=proxy), heals=False)


def tls(seen: Seen) -> Advice:
    """The route was made without it, or nginx is down."""
    proxy, since, by = seen.target.containers.proxy, *_route_since(seen)
    release = next(iter(seen.fleet.running_releases), None) if seen.fleet else None
    if seen.edge and seen.edge.who == "nginx":
        return Advice(None, NGINX)
    if seen.saved and not seen.saved.tls and seen.route and release:
        values = _to(seen, release, seen.route)
        kept = [one for one in values["flags"] if not one.startswith(("--tls", "--forward-headers"))]
        beside = "options that were lost together with TLS are known to the repository alone: compare them afterwards"
        return Advice(proxy, RESTORE_TLS.with_values(**{**values, "flags": kept}), since=since, by=by, beside=beside)
    return Advice(proxy, LISTING, heals=False)


def reaching_the_proxy(seen: Seen) -> Advice:
    """Where nginx passes to is in its files, and only a person changes those."""
    plain = ", ".join(map(str, seen.edge.plain)) if seen.edge else ""
    return Advice(None, SHOW_NGINX_UPSTREAM, heals=False, beside=f"the proxy is reached at {plain}" if plain else "")


def route_to_the_release(seen: Seen) -> Advice:
    """Led to the running release by its name, with every option kept."""
    proxy, since, by = seen.target.containers.proxy, *_route_since(seen)
    release = next(iter(seen.fleet.running_releases), None) if seen.fleet else None
    if release is None:
        return the_web_release(seen)
    if seen.route is None:
        return Advice(proxy, REDEPLOY, since=since, by=by, beside="the options of the route could not be read")
    return Advice(proxy, POINT_PROXY_AT.with_values(**_to(seen, release, seen.route)), since=since, by=by)


def answer_of_the_release(seen: Seen) -> Advice:
    """It is down, the route leads past it, or it hangs."""
    releases = seen.fleet.running_releases if seen.fleet else ()
    if not releases or any(one.paused for one in releases):
        return the_web_release(seen)
    targets = seen.saved.targets if seen.saved else ()
    at_its_port = all(port_of(one) == seen.target.containers.web_port for one in targets)
    if not targets or not at_its_port or _led_to(seen, releases) is None:
        return route_to_the_release(seen)
    return Advice(releases[0].name, RESTART.with_values(container=releases[0].name))


def own_health(seen: Seen) -> Advice:
    """It has to be started anew."""
    known = seen.fleet.running if seen.fleet else ()
    sick = next((one for one in known if one.health == "unhealthy"), None)
    if sick is None:
        return Advice(None, LISTING, heals=False)
    lived = seen.lived(sick.name)
    by = "its own health check: the first that failed in a row"
    return Advice(sick.name, RESTART.with_values(container=sick.name), since=lived.unhealthy if lived else None, by=by)


def log_of_the_release(seen: Seen) -> Advice:
    """Nothing behind it is found broken: its own log says more."""
    release = next(iter(seen.fleet.running_releases), None) if seen.fleet else None
    if release is None:
        return Advice(None, LISTING, heals=False)
    return Advice(release.name, LOG.with_values(container=release.name), heals=False)


ADVICE: Mapping[str, Callable[[Seen], Advice]] = {
    "the-database-is-up": the_database,
    "redis-is-up": redis,
    "the-web-release-is-up": the_web_release,
    "the-proxy-is-up": the_proxy,
    "no-container-is-in-a-restart-loop": restarts,
    "the-application-can-log-in-to-the-database": log_in_to_the_database,
    "the-proxy-forwards-requests": passing_on,
    "tls-is-terminated-for-the-domain": tls,
    "https-traffic-reaches-kamal-proxy": reaching_the_proxy,
    "the-proxy-routes-to-the-running-release": route_to_the_release,
    "the-release-behind-the-proxy-answers": answer_of_the_release,
    "every-container-is-healthy": own_health,
    "the-application-itself-answers-the-health-check": log_of_the_release,
    "the-api-is-healthy": log_of_the_release,
    "a-page-that-reads-the-database-responds": log_of_the_release,
}
"""In the order in which causes are told: what others stand on comes first."""

SYMPTOMS = (
    "the-application-itself-answers-the-health-check",
    "the-api-is-healthy",
    "a-page-that-reads-the-database-responds",
)
"""What users see. They are causes only where nothing behind them is broken."""


def _down(seen: Seen, container: Container | None) -> Advice:
    if container is None:
        return Advice(None, LISTING, heals=False)
    lived = seen.lived(container.name)
    if container.paused:
        paused = lived.paused if lived else None
        remedy = UNPAUSE.with_values(container=container.name)
        return Advice(container.name, remedy, since=_known(paused), by="the engine's events: it was paused")
    ended = lived.ended if lived else None
    return Advice(
        container.name, START_CONTAINER.with_values(container=container.name), since=_known(ended), by="it ended then"
    )


def _led_to(seen: Seen, releases: Sequence[Container]) -> Container | None:
    """The release that the proxy leads to by its name, or by its address."""
    hosts = [host_of(one) for one in seen.saved.targets] if seen.saved else []
    return next((one for one in releases if any(one.matches_host(host) for host in hosts)), None)


def _last_ended(seen: Seen, releases: Sequence[Container]) -> Container | None:
    """In good order where one did."""

    def ended(one: Container) -> tuple[bool, datetime | None, str]:
        lived = seen.lived(one.name)
        return one.ended_in_order, lived.ended if lived else None, one.name

    told = [one for one in releases if ended(one)[1] is not None] or list(releases)
    return max(told, key=ended, default=None)


def _to(seen: Seen, release: Container, route: Route) -> dict[str, str | tuple[str, ...]]:
    return {"to": f"{release.name}:{seen.target.containers.web_port}", "flags": route.flags}


def _known(at: datetime | None) -> Since | None:
    return Since(at, exact=True) if at else None


def _route_since(seen: Seen) -> tuple[Since | None, str]:
    saved = seen.lately.route_saved if seen.lately else None
    return Since(saved, exact=False) if saved else None, "the proxy wrote its state last then"


def _last_taken_off(seen: Seen, container: Container) -> Since | None:
    lived = seen.lived(container.name)
    return _known(max(lived.disconnected)) if lived and lived.disconnected else None


def _streak(died: Sequence[datetime]) -> Since | None:
    """The first of the ends in a row; where the engine remembers none before it, there may have been some."""
    row = list(_row_of(died))
    return Since(row[-1], exact=len(row) < len(died)) if row else None


def _row_of(died: Sequence[datetime]) -> Iterator[datetime]:
    """The last ends, newest first, each close enough to the one after it: Docker waits a minute at the most."""
    after: datetime | None = None
    for at in reversed(died):
        if after is not None and after - at > timedelta(minutes=3):
            return
        yield at
        after = at
