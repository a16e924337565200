"""What the API says of its own health, and whether it is the application that says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.docker.containers import NOW
from runbook.model.outcome import NotApplicable
from runbook.model.outside_questions import HttpAnswer, HttpGet
from runbook.observation.snapshot import Snapshot, reading

HEALTH = HttpGet("/api/v1/health", seconds=5)
PLAIN_HTTP = HttpGet("/api/v1/health", scheme="http", seconds=5)
DATABASE_PAGE = HttpGet("{database_page}", seconds=5, keep_body=False, most=8 * 1024 * 1024)

FORM: dict[str, Any] = {
    "status": str,
    "data": {
        "health_status": str,
        "timestamp": datetime,
        "version": str,
        "checks": {"database": str},
    },
}
"""The fields of the answer as the runbook documents it, and the type of each."""

ANSWER_BEGINS = 60
"""How much of an answer is shown, in characters."""


@dataclass(frozen=True)
class Health:
    """The answer of the health check.

    Attributes:
        answered: How it began, for a person.
        from_application: It is the API's envelope; a proxy's own answer is empty, a page, or another's JSON.
        unlike_form: What differs from the documented form, field by field.
        status: The word of ``health_status``; None where it is not there.
        database: The word of the database check; None where it is not there.
        timestamp: None where it is not there, or is not an instant.
    """

    http_status: int
    answered: str
    from_application: bool
    unlike_form: tuple[str, ...]
    status: str | None
    database: str | None
    version: str | None
    timestamp: datetime | None


@dataclass(frozen=True)
class Redirect:
    """What plain HTTP answered. ``location`` is where it leads; None where it leads nowhere."""

    http_status: int
    location: str | None


@dataclass(frozen=True)
class Page:
    """A page that is made from the database's rows. ``rows`` is None where the answer is no list of them."""

    path: str
    http_status: int
    rows: int | None


def health(snapshot: Snapshot) -> Health:
    """What the health check answers, asked from outside."""
    return read_health(snapshot.ask(HEALTH))


def health_age_seconds(snapshot: Snapshot) -> float | None:
    """How far the server's clock is ahead of the answer's timestamp; None where there is no timestamp."""
    now, _ = snapshot.ask(NOW, HEALTH)
    with reading("the server's clock"):
        clock = float(now.required("the server's clock").out)
    timestamp = snapshot.observe(health).timestamp
    return clock - timestamp.timestamp() if timestamp else None


def plain_http(snapshot: Snapshot) -> Redirect:
    """Where the health check leads when it is asked without TLS."""
    answer = snapshot.ask(PLAIN_HTTP)
    return Redirect(answer.status, answer.headers.get("location"))


def database_page(snapshot: Snapshot) -> Page:
    """A page that cannot be answered without the database.

    Raises:
        NotApplicable: The target names none.
    """
    path = snapshot.target.edge.database_page
    if path is None:
        raise NotApplicable("the target names no page of the database (key edge.database_page)")
    answer = snapshot.ask(DATABASE_PAGE)
    return Page(path, answer.status, count_rows(answer.body))


def read_health(answer: HttpAnswer) -> Health:
    """Read the answer, whatever it is."""
    said = _json(answer.body)
    data = _table(said, "data")
    timestamp = data.get("timestamp")
    return Health(
        http_status=answer.status,
        answered=_beginning(answer),
        from_application="health_status" in data,
        unlike_form=tuple(differences(said, FORM)),
        status=_word(data.get("health_status")),
        database=_word(_table(data, "checks").get("database")),
        version=_word(data.get("version")),
        timestamp=instant(timestamp) if isinstance(timestamp, str) else None,
    )


def differences(said: object, form: dict[str, Any], where: str = "") -> Iterator[str]:
    """What of ``said`` is not in the documented form, one phrase a field."""
    if not isinstance(said, dict):
        yield f"{where or 'the answer'} is not an object"
        return
    for name, wanted in form.items():
        path = f"{where}.{name}" if where else name
        if name not in said:
            yield f"{path} is missing"
        elif isinstance(wanted, dict):
            yield from differences(said[name], wanted, path)
        elif not isinstance(said[name], str) or not said[name]:
            yield f"{path} is not text"
        elif wanted is datetime and instant(said[name]) is None:
            yield f"{path} is not an instant with its offset from UTC"


def instant(text: str) -> datetime | None:
    """An ISO 8601 time with its offset; None for anything else, since a time without one is no instant."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def count_rows(body: str) -> int | None:
    """How many rows the page lists; None where it lists none of anything."""
    said = _json(body)
    data = said.get("data") if isinstance(said, dict) else said
    if isinstance(data, dict):
        data = next((value for value in data.values() if isinstance(value, list)), None)
    return len(data) if isinstance(data, list) else None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _table(said: object, name: str) -> dict[str, Any]:
    inner = said.get(name) if isinstance(said, dict) else None
    return inner if isinstance(inner, dict) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _beginning(answer: HttpAnswer) -> str:
    body = " ".join(answer.body.split())
    shown = body if len(body) <= ANSWER_BEGINS else f"{body[:ANSWER_BEGINS]}…"
    return f"HTTP {answer.status} with {shown or 'an empty body'}"
