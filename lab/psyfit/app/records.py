"""Made-up appointments and audit events: what both the history and each new day consist of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from .chance import Chance
from .clock import TOKYO

CLINICS = 8
STAFF = 64
PEOPLE = 4_000

APPOINTMENT_COLUMNS = (
    "reference",
    "person_id",
    "staff_id",
    "starts_at",
    "duration_minutes",
    "status",
    "created_at",
    "updated_at",
)
AUDIT_EVENT_COLUMNS = (
    "request_id",
    "staff_id",
    "action",
    "subject_type",
    "subject_id",
    "details",
    "created_at",
)

Value = int | str | bytes | datetime | None
Row = tuple[Value, ...]

_ACTIONS = (
    ("session.opened", "Person"),
    ("session.expired", "Person"),
    ("profile.viewed", "Person"),
    ("program.viewed", "Program"),
    ("message.read", "Message"),
    ("appointment.reminded", "Appointment"),
)


def clinic_of(member: int) -> int:
    """The clinic of a person or of one of the staff, by number."""
    return (member - 1) % CLINICS + 1


def colleague_of(person: int, chance: Chance) -> int:
    """One of the staff of a person's own clinic."""
    return clinic_of(person) + CLINICS * chance.randrange(STAFF // CLINICS)


def appointments(instants: list[datetime], seen_at: datetime, chance: Chance) -> Iterator[Row]:
    """One appointment made at each instant for a day after it, with the status it has at a later instant."""
    for made_at in instants:
        person = chance.randint(1, PEOPLE)
        day = made_at.astimezone(TOKYO) + timedelta(days=chance.randint(1, 20))
        starts_at = day.replace(hour=chance.randint(9, 18), minute=chance.choice((0, 15, 30, 45)), second=0)
        yield (
            chance.uuid(),
            person,
            colleague_of(person, chance),
            starts_at,
            chance.choice((30, 45, 60, 90)),
            _status(starts_at, seen_at, chance),
            made_at,
            made_at,
        )


def _status(starts_at: datetime, seen_at: datetime, chance: Chance) -> str:
    if chance.random() < 0.08:
        return "cancelled"
    return "held" if starts_at < seen_at else "booked"


def audit_events(instants: list[datetime], chance: Chance) -> Iterator[Row]:
    """One event at each instant; those without a person at work have no staff."""
    for happened_at in instants:
        action, subject = chance.choice(_ACTIONS)
        by_staff = chance.random() < 0.4
        details = {
            "ip": f"192.0.2.{chance.randint(1, 254)}",
            "duration_ms": chance.randint(2, 900),
            "via": chance.choice(("web", "app", "api")),
        }
        yield (
            chance.uuid(),
            chance.randint(1, STAFF) if by_staff else None,
            action,
            subject,
            chance.randint(1, 3_000),
            json.dumps(details),
            happened_at,
        )
