"""What happened lately: since when each container is as it is, what the engine remembers, the last line of each log.

It judges nothing, and no scenario rests on it: it is what a person wants to know of a thing that is found broken. A
log's line may be about somebody, so the evidence does not keep the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Any

from checks.docker.containers import CONTAINERS, NEVER, fleet
from checks.formats.instants import instant_of
from runbook.model import rights
from runbook.model.question import Command, Inspection, lines_of
from runbook.observation.snapshot import Snapshot, reading

EVENTS = "--filter event=pause --filter event=die --filter event=disconnect"
TOLD_OF_EVENT = "event {{{{.Time}}}} {{{{.Action}}}} {{{{.Actor.ID}}}} {{{{.Actor.Attributes.container}}}}"
LATELY = Command(
    cleandoc(
        rf"""now=$(date +%s)
    printf 'now\t%s\n' "$now"
    week=$((now - 604800))
    docker events --since "$week" --until "$now" {EVENTS} --format '{TOLD_OF_EVENT}' || exit
    printf 'route\t'
    docker exec {{proxy}} stat -c %Y /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state 2>/dev/null || echo
    for one in {{containers}}; do
      printf 'log\t%s\t' "$one"
      docker logs --timestamps --tail 1 "$one" 2>&1 | head -c 2000 | tr '\n\t' '  '
      echo
    done"""
    ),
    needs=rights.DOCKER,
    seconds=10,
    keep_answer=False,
)
"""Of events the engine remembers the last 256, and none from before it was started itself."""


@dataclass(frozen=True)
class Since:
    """Since when something is so. Where it is not ``known``, it began at that time or before."""

    at: datetime
    exact: bool


@dataclass(frozen=True)
class LogLine:
    """The last line of a log. ``at`` is None where Docker tells no time with it: then it is Docker's own word."""

    text: str
    at: datetime | None


@dataclass(frozen=True)
class ContainerTimeline:
    """The latest of one container's life.

    Attributes:
        started: When it was started last; ``ended`` when it ended last. None where it never did.
        unhealthy: Since when its own health check fails; None where the last one did not.
        paused: When it was paused last, ``died`` when it ended lately, oldest first, as far as the engine remembers.
        networks: Those that it is on.
        disconnected: When it was taken from a network lately.
        last_line: Of its log; None where there is none.
    """

    started: datetime | None
    ended: datetime | None
    unhealthy: Since | None
    paused: datetime | None
    died: tuple[datetime, ...]
    networks: frozenset[str]
    disconnected: tuple[datetime, ...]
    last_line: LogLine | None


@dataclass(frozen=True)
class ContainerHistory:
    """What happened lately on the server.

    Attributes:
        now: The server's own time.
        containers: By name.
        route_saved: When the proxy wrote its state last: at each deploy, pause, stop and resume.
    """

    now: datetime
    containers: Mapping[str, ContainerTimeline]
    route_saved: datetime | None


def container_history(snapshot: Snapshot) -> ContainerHistory:
    """The latest of the service's containers."""
    found, inspected = snapshot.observe(fleet), snapshot.ask(CONTAINERS)
    names = [one.name for one in found.known]
    told = snapshot.ask(LATELY.with_values(containers=names)).required("what happened recently")
    with reading("what happened recently"):
        return read_lately(told.out, {str(one["Name"]).removeprefix("/"): one for one in inspected}, names)


def read_lately(text: str, inspected: Mapping[str, Inspection], names: Iterable[str]) -> ContainerHistory:
    """Read the answer to `LATELY` beside the inspections.

    Raises:
        ValueError, LookupError, TypeError: It is another answer, or these are no inspections.
    """
    rows = [line.split("\t") for line in lines_of(text)]
    (now,) = [instant_of(row[1]) for row in rows if row[0] == "now"]
    events = [_event(row[0]) for row in rows if row[0].startswith("event ")]
    logs = {name: _log_line(said) for _, name, said in _of("log", rows)}
    saved = next((row[1] for row in _of("route", rows)), "")

    def happened(action: str, container: str) -> tuple[datetime, ...]:
        return tuple(sorted(at for what, subjects, at in events if what == action and container in subjects))

    containers = {}
    for name in names:
        one = inspected[name]
        state, number = one["State"], str(one["Id"])
        containers[name] = ContainerTimeline(
            started=_moment(state.get("StartedAt")),
            ended=_moment(state.get("FinishedAt")),
            unhealthy=_unhealthy(state.get("Health")),
            paused=max(happened("pause", number), default=None),
            died=happened("die", number),
            networks=frozenset(one["NetworkSettings"]["Networks"]),
            disconnected=happened("disconnect", number),
            last_line=logs.get(name),
        )
    return ContainerHistory(now, containers, instant_of(saved) if saved else None)


def _event(line: str) -> tuple[str, set[str], datetime]:
    """What happened, to which container (that of a network is named beside the network), and when."""
    _, at, what, subject, container = line.split(" ", 4)  # of a container's own there is “<no value>”
    return what, {subject, container}, instant_of(at)


def _of(kind: str, rows: Iterable[list[str]]) -> list[list[str]]:
    return [row for row in rows if row[0] == kind]


def _moment(text: object) -> datetime | None:
    moment = datetime.fromisoformat(str(text)) if text else NEVER
    return moment.astimezone(UTC) if moment > NEVER else None


def _unhealthy(health: Any) -> Since | None:
    """Docker keeps the last five of a container's health checks."""
    log = (health or {}).get("Log") or []
    checks = [(_moment(one["Start"]), int(one["ExitCode"])) for one in log]
    failing: datetime | None = None
    for at, status in reversed(checks):
        if status == 0:
            return Since(failing, exact=True) if failing else None
        failing = at
    return Since(failing, exact=False) if failing else None


def _log_line(said: str) -> LogLine | None:
    """A line with the time that Docker puts before it; its own complaints have none."""
    stamp, _, rest = said.strip().partition(" ")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return LogLine(said.strip(), None) if said.strip() else None
    return LogLine(rest.strip(), at.astimezone(UTC))
