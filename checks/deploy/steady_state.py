"""The steady state: what must be the same before and after a drill, and must be well before one begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import cleandoc

from checks.docker.containers import Container, Fleet, fleet
from checks.edge.health_api import health
from checks.edge.kamal_proxy import STATE
from runbook.drill.interlock import SteadyState
from runbook.model.git_as_owner import answered, asking_git
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

THINGS = Command(
    asking_git(
        cleandoc(
            """
            docker volume ls --format 'volume {{{{.Name}}}}' || exit
            docker network ls --format 'network {{{{.Name}}}}' || exit
            table=$(crontab -l 2>&1) || printf '%s\\n' "$table" | grep -q '^no crontab for ' ||
              {{ printf '%s\\n' "$table" >&2; exit 1; }}
            printf 'crontab %s\\n' "$(printf '%s\\n' "$table" | cksum)"
            commit=$(ask_git {app} rev-parse HEAD) || exit
            printf 'commit %s\\n' "$commit"
            """
        )
    ),
    lane="docker",
)
"""Each half by itself: of a pipe only the end's failure would count, and what failed before it would be nothing."""


def steady_state(snapshot: Snapshot) -> SteadyState:
    """Containers, the proxy's route with every option, volumes, networks, crontab, commit; and what is wrong now."""
    present, saved, things = snapshot.observe(fleet), snapshot.ask(STATE), snapshot.ask(THINGS)
    facts = {f"container {one.name}": _state_of(one) for one in (*present.known, *present.unexpected)}
    with reading("the proxy's state file"):
        facts |= dict(_route(saved.required("the proxy's state file").out, snapshot.target.containers.proxy_service))
    for line in answered(things, "volumes, networks, crontab and commit").lines:
        kind, _, value = line.partition(" ")
        facts[line if kind in ("volume", "network") else kind] = value
    return SteadyState(facts, tuple(_wrong(snapshot, present)))


def _state_of(container: Container) -> str:
    state = "paused" if container.paused else "running" if container.running else "stopped"
    return f"{container.id[:12]} {state}"


def _route(state: str, service: str) -> Iterator[tuple[str, str]]:
    """Each thing that the proxy keeps of the service, by itself, so that a difference names what differs."""
    saved = next(one for one in json.loads(state) if one["name"] == service)
    for part, value in saved.items():
        if isinstance(value, dict):
            yield from ((f"proxy {part}.{name}", json.dumps(one, sort_keys=True)) for name, one in value.items())
        else:
            yield f"proxy {part}", json.dumps(value, sort_keys=True)


def _wrong(snapshot: Snapshot, present: Fleet) -> Iterator[str]:
    if len([one for one in present.releases if one.running]) != 1:
        yield "not exactly one web release runs"
    for name, part in (("the database", present.db), ("Redis", present.redis), ("the proxy", present.proxy)):
        if part is None or not part.running or part.paused:
            yield f"{name} does not run"
    for one in present.running:
        if one.health not in (None, "healthy"):
            yield f"{one.name} is {one.health}"
    seen = snapshot.observe(health)
    if seen.http_status != 200:
        yield f"the health check answers with HTTP status {seen.http_status}"
