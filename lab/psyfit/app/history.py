"""The service's made-up history: the same on every build but for the day that it leads up to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from . import passwords
from .chance import Chance
from .ciphers import BlindIndex, Cipher
from .clock import midnight
from .people import Person, message, password, person, staff_email
from .records import (
    APPOINTMENT_COLUMNS,
    AUDIT_EVENT_COLUMNS,
    CLINICS,
    PEOPLE,
    STAFF,
    Row,
    appointments,
    audit_events,
    clinic_of,
    colleague_of,
)
from .settings import Keys

HISTORY_DAYS = 540
LAST_DAYS = 7
"""So many days before the anchor are left for the nights of backups, each of which shall find something new."""

USER_ACCOUNTS = 12
STAFF_ACCOUNTS = 8
"""Few: a password takes long to digest, and each on every build."""

EXERCISES = 120
PROGRAMS = 3_000
EXERCISES_PER_PROGRAM = 3
APPOINTMENTS = 14_000
ASSESSMENTS = 6_000
MESSAGES = 5_000
CHECK_INS = 5_000
AUDIT_EVENTS = 12_000

_CITIES = ("札幌", "仙台", "東京", "横浜", "名古屋", "京都", "大阪", "福岡")
_ROLES = ("therapist", "trainer", "therapist", "reception", "therapist", "trainer", "manager", "therapist")
_CATEGORIES = (
    "呼吸法", "ストレッチ", "歩行", "筋弛緩", "瞑想", "体幹",
    "バランス", "ヨガ", "水中運動", "軽い筋力", "睡眠準備", "記録",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table's rows as they are loaded; the first column is always the id, counted from 1."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[Row]


def tables(today: date, keys: Keys) -> Iterator[Table]:
    """Every table in an order in which references hold.

    Args:
        today: The anchor: the history ends with the day eight days before it.
    """
    end = midnight(today - timedelta(days=LAST_DAYS))
    start = end - timedelta(days=HISTORY_DAYS)
    everybody = _everybody()

    yield _table("clinics", ("name", "city", "created_at"), _clinics(start))
    yield _table(
        "staff",
        ("clinic_id", "display_name", "role", "email_ciphertext", "email_bidx", "created_at"),
        _staff(start, keys),
    )
    yield _table(
        "people",
        (
            "clinic_id",
            "name_ciphertext",
            "email_ciphertext",
            "email_bidx",
            "birth_year",
            "created_at",
            "updated_at",
        ),
        _people(everybody, start, keys),
    )
    yield _table("accounts", ("person_id", "staff_id", "password_digest", "created_at"), _accounts(everybody, start))
    yield _table("exercises", ("name", "category", "minutes"), _exercises())
    yield _table(
        "programs",
        ("person_id", "staff_id", "title", "starts_on", "weeks", "created_at"),
        _programs(start, end),
    )
    yield _table(
        "program_exercises",
        ("program_id", "exercise_id", "position", "sets", "repetitions"),
        _program_exercises(),
    )
    chance = Chance("appointments")
    yield _table(
        "appointments", APPOINTMENT_COLUMNS, appointments(chance.instants(APPOINTMENTS, start, end), end, chance)
    )
    yield _table("assessments", ("appointment_id", "scale", "score", "answers", "created_at"), _assessments(start, end))
    yield _table(
        "messages",
        ("person_id", "staff_id", "body_ciphertext", "created_at"),
        _messages(everybody, start, end, keys),
    )
    yield _table("check_ins", ("token", "clinic_id", "created_at"), _check_ins(start, end))
    chance = Chance("audit events")
    yield _table("audit_events", AUDIT_EVENT_COLUMNS, audit_events(chance.instants(AUDIT_EVENTS, start, end), chance))


def _table(name: str, columns: tuple[str, ...], rows: Iterable[Row]) -> Table:
    return Table(name, ("id", *columns), ((number, *row) for number, row in enumerate(rows, start=1)))


def _everybody() -> list[Person]:
    chance = Chance("people")
    return [person(number, chance) for number in range(1, PEOPLE + 1)]


def _clinics(start: datetime) -> Iterator[Row]:
    for city in _CITIES:
        yield f"PsyFit {city}", city, start - timedelta(days=400)


def _staff(start: datetime, keys: Keys) -> Iterator[Row]:
    emails, index = Cipher(keys.attributes, "staff.email"), BlindIndex(keys.blind_index)
    for number in range(1, STAFF + 1):
        role, email = _ROLES[(number - 1) // CLINICS % len(_ROLES)], staff_email(number)
        yield (
            clinic_of(number),
            f"担当 {number:03}",
            role,
            emails.encrypt(email),
            index.fingerprint(email),
            start - timedelta(days=380),
        )


def _people(everybody: list[Person], start: datetime, keys: Keys) -> Iterator[Row]:
    names, emails = Cipher(keys.attributes, "people.name"), Cipher(keys.attributes, "people.email")
    index = BlindIndex(keys.blind_index)
    joined = Chance("joining").instants(PEOPLE, start - timedelta(days=365), start)
    for number, (somebody, joined_at) in enumerate(zip(everybody, joined, strict=True), start=1):
        yield (
            clinic_of(number),
            names.encrypt(somebody.name),
            emails.encrypt(somebody.email),
            index.fingerprint(somebody.email),
            somebody.birth_year,
            joined_at,
            joined_at,
        )


def _accounts(everybody: list[Person], start: datetime) -> Iterator[Row]:
    for number, somebody in enumerate(everybody[:USER_ACCOUNTS], start=1):
        yield number, None, _password_digest(somebody.email), start
    for number in range(1, STAFF_ACCOUNTS + 1):
        yield None, number, _password_digest(staff_email(number)), start


def _password_digest(email: str) -> str:
    return passwords.digest(password(email), Chance(f"salt of {email}").randbytes(passwords.SALT_BYTES))


def _exercises() -> Iterator[Row]:
    chance = Chance("exercises")
    for number in range(EXERCISES):
        category = _CATEGORIES[number % len(_CATEGORIES)]
        yield f"{category} {number // len(_CATEGORIES) + 1}", category, chance.randint(3, 40)


def _programs(start: datetime, end: datetime) -> Iterator[Row]:
    chance = Chance("programs")
    for made_at in chance.instants(PROGRAMS, start, end):
        person_id = chance.randint(1, PEOPLE)
        weeks = chance.choice((4, 8, 12))
        yield (
            person_id,
            colleague_of(person_id, chance),
            f"{chance.choice(_CATEGORIES)}中心の{weeks}週間",
            (made_at.date() + timedelta(days=chance.randint(1, 14))).isoformat(),
            weeks,
            made_at,
        )


def _program_exercises() -> Iterator[Row]:
    chance = Chance("program exercises")
    for program_id in range(1, PROGRAMS + 1):
        for position in range(1, EXERCISES_PER_PROGRAM + 1):
            yield program_id, chance.randint(1, EXERCISES), position, chance.randint(1, 4), chance.randint(5, 20)


def _assessments(start: datetime, end: datetime) -> Iterator[Row]:
    chance = Chance("assessments")
    assessed = sorted(chance.sample(range(1, APPOINTMENTS + 1), ASSESSMENTS))
    for appointment_id, held_at in zip(assessed, chance.instants(ASSESSMENTS, start, end), strict=True):
        answers = [chance.randint(0, 3) for _ in range(9)]
        yield appointment_id, chance.choice(("PHQ-9", "GAD-9")), sum(answers), json.dumps(answers), held_at


def _messages(everybody: list[Person], start: datetime, end: datetime, keys: Keys) -> Iterator[Row]:
    chance, bodies = Chance("messages"), Cipher(keys.attributes, "messages.body")
    for sent_at in chance.instants(MESSAGES, start, end):
        person_id = chance.randint(1, PEOPLE)
        body = bodies.encrypt(message(everybody[person_id - 1], chance))
        yield person_id, colleague_of(person_id, chance), body, sent_at


def _check_ins(start: datetime, end: datetime) -> Iterator[Row]:
    chance = Chance("check-ins")
    for came_at in chance.instants(CHECK_INS, start, end):
        yield chance.uuid(), chance.randint(1, CLINICS), came_at
