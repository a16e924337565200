"""The stand-in app's own logic: what it does without a database."""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.psyfit.app import application, boot, commands, credentials, database, health, migrations, seed
from lab.psyfit.app.answer import Answer, success
from lab.psyfit.app.application import Application, Request, token_of
from lab.psyfit.app.chance import Chance
from lab.psyfit.app.ciphers import BlindIndex, Cipher
from lab.psyfit.app.clock import TOKYO, midnight
from lab.psyfit.app.database import DatabaseFailed
from lab.psyfit.app.day import Span, span
from lab.psyfit.app.history import tables
from lab.psyfit.app.people import CANARY_ID
from lab.psyfit.app.records import PEOPLE, Row
from lab.psyfit.app.refusal import Refused
from lab.psyfit.app.server import Server
from lab.psyfit.app.sessions import COOKIE, Sessions
from lab.psyfit.app.settings import DatabaseSettings, Keys, LogInPolicy
from lab.psyfit.app.sign_ins import SignIns
from tests.waiting import until

TODAY = date(2026, 2, 24)
KEYS = Keys(attributes="a" * 64, blind_index="b" * 64)
DATABASE = DatabaseSettings("db", "psyfit_production", "psyfit_prod", "p")


@pytest.fixture(scope="module")
def history() -> dict[str, list[dict[str, Any]]]:
    return {
        table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables(TODAY, KEYS)
    }


@pytest.fixture
def app() -> Application:
    sign_ins = SignIns("s" * 128, BlindIndex(KEYS.blind_index), LogInPolicy())
    return Application(DATABASE, "1.1.0", Sessions("s" * 128), sign_ins, lambda _session: None)


# Encryption


@settings(deadline=None)
@given(st.text())
def test_what_was_encrypted_comes_back_under_the_same_key_and_purpose_only(value: str) -> None:
    sealed = Cipher("key", "people.name").encrypt(value)

    assert Cipher("key", "people.name").decrypt(sealed) == value
    for other in (Cipher("another", "people.name"), Cipher("key", "people.email")):
        with pytest.raises(Refused, match="AEAD authentication tag verification failed"):
            other.decrypt(sealed)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_foreign_bytes_are_refused(foreign: bytes) -> None:
    with pytest.raises(Refused, match="AEAD"):
        Cipher("key", "people.name").decrypt(foreign)


def test_a_nonce_comes_back_with_its_own_value_only() -> None:
    cipher = Cipher("key", "people.name")

    assert cipher.encrypt("a") == cipher.encrypt("a")
    assert cipher.encrypt("a")[:12] != cipher.encrypt("b")[:12]


def test_an_address_has_one_fingerprint_however_it_is_written() -> None:
    index = BlindIndex("key")

    assert index.fingerprint(" Hanako@Example.jp ") == index.fingerprint("hanako@example.jp")
    assert index.fingerprint("hanako@example.jp") != BlindIndex("other").fingerprint("hanako@example.jp")


def test_credentials_open_under_their_own_master_key_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "PATH", tmp_path / "config" / "credentials.yml.enc")
    with pytest.raises(Refused, match="is missing"):
        credentials.check("master")

    credentials.init("master")

    credentials.check("master")
    with pytest.raises(Refused, match="AEAD authentication tag verification failed"):
        credentials.check("another")
    with pytest.raises(Refused, match="is there already"):
        credentials.init("master")


@settings(deadline=None)
@given(st.text())
def test_damaged_credentials_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="AEAD"):
        credentials.opened(text, "master")


# Boot


def test_the_stored_person_tells_a_wrong_key(history: dict[str, list[dict[str, Any]]]) -> None:
    person = history["people"][0]
    stored = (person["email_ciphertext"], person["email_bidx"])

    boot.check_person(KEYS, *stored)
    with pytest.raises(Refused, match="AEAD authentication tag verification failed: ATTR_ENCRYPTED_KEY"):
        boot.check_person(Keys("wrong", KEYS.blind_index), *stored)
    with pytest.raises(Refused, match="BLIND_INDEX_KEY does not match the blind index"):
        boot.check_person(Keys(KEYS.attributes, "wrong"), *stored)


@pytest.mark.parametrize("missing", ["ATTR_ENCRYPTED_KEY", "BLIND_INDEX_KEY", "SECRET_KEY_BASE", "RAILS_MASTER_KEY"])
def test_a_missing_key_is_named(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(credentials, "PATH", tmp_path / "credentials.yml.enc")
    credentials.init("master")
    for name in ("ATTR_ENCRYPTED_KEY", "BLIND_INDEX_KEY", "SECRET_KEY_BASE"):
        monkeypatch.setenv(name, "k")
    monkeypatch.setenv("RAILS_MASTER_KEY", "master")
    monkeypatch.delenv(missing)

    with pytest.raises(Refused, match=missing):
        boot.check()


# The made-up data


def test_the_history_is_large_and_the_same_each_time(history: dict[str, list[dict[str, Any]]]) -> None:
    again = {
        table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables(TODAY, KEYS)
    }

    assert again == history
    assert len(history) >= 8
    assert sum(map(len, history.values())) >= 50_000


def test_a_later_anchor_moves_the_history_and_changes_nothing_else(
    history: dict[str, list[dict[str, Any]]],
) -> None:
    later = {table.name: list(table.rows) for table in tables(TODAY + timedelta(days=3), KEYS)}

    assert {name: len(rows) for name, rows in later.items()} == {name: len(rows) for name, rows in history.items()}
    moved = {row["created_at"] + timedelta(days=3) for row in history["audit_events"]}
    assert {row[-1] for row in later["audit_events"]} == moved


def test_the_history_ends_with_the_eighth_day_before_the_anchor(history: dict[str, list[dict[str, Any]]]) -> None:
    end = midnight(TODAY - timedelta(days=7))
    for name in ("appointments", "audit_events"):
        newest = max(row["created_at"] for row in history[name])
        assert end - timedelta(days=1) <= newest < end


def test_every_reference_holds(history: dict[str, list[dict[str, Any]]]) -> None:
    referred = {
        "clinic_id": "clinics",
        "staff_id": "staff",
        "person_id": "people",
        "program_id": "programs",
        "exercise_id": "exercises",
        "appointment_id": "appointments",
    }
    for rows in history.values():
        for column in referred.keys() & rows[0].keys():
            assert {row[column] for row in rows} - {None} <= set(range(1, len(history[referred[column]]) + 1))


def test_people_are_all_different_and_one_is_the_canary(history: dict[str, list[dict[str, Any]]]) -> None:
    people = history["people"]
    canary = people[CANARY_ID - 1]

    assert len({row["email_bidx"] for row in people}) == len(people)
    assert Cipher(KEYS.attributes, "people.name").decrypt(canary["name_ciphertext"]) == "架空 花子"
    assert Cipher(KEYS.attributes, "people.email").decrypt(canary["email_ciphertext"]) == "hanako.kakuu@example.jp"


def test_no_name_or_address_stands_in_the_clear(history: dict[str, list[dict[str, Any]]]) -> None:
    lines = "".join(seed.copy_line(tuple(row.values())) for rows in history.values() for row in rows)

    assert "example.jp" not in lines
    assert "架空" not in lines


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ((1, "a\tb\\c\nd", None), "1\ta\\tb\\\\c\\nd\t\\N\n"),
        ((b"\x00\xff",), "\\\\x00ff\n"),
        ((datetime(2026, 2, 14, 2, tzinfo=TOKYO),), "2026-02-14T02:00:00+09:00\n"),
    ],
)
def test_copy_form(row: Row, line: str) -> None:
    assert seed.copy_line(row) == line


# A day


@settings(deadline=None)
@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(0, 86_400), st.integers(0, 86_400))
def test_a_day_grows_and_never_changes(day: date, one: int, other: int) -> None:
    sooner, later = (Span(day, midnight(day) + timedelta(seconds=s)) for s in sorted((one, other)))
    for of in (Span.appointments, Span.audit_events):
        assert of(later)[: len(of(sooner))] == of(sooner)


def test_a_days_rows_lie_in_it_and_refer_to_seeded_people() -> None:
    whole = span("2026-02-14", None)

    created = [row[-2] for row in whole.appointments()] + [row[-1] for row in whole.audit_events()]
    assert len(created) == 72
    assert all(isinstance(at, datetime) and at.astimezone(TOKYO).date() == whole.day for at in created)
    assert {row[1] for row in whole.appointments()} <= set(range(1, PEOPLE + 1))


@pytest.mark.parametrize(
    ("argument", "day_until", "before"),
    [
        ("2026-02-14", None, datetime(2026, 2, 15, tzinfo=TOKYO)),
        ("2026-02-14", "02:00:00", datetime(2026, 2, 14, 2, tzinfo=TOKYO)),
        ("2026-02-14T02:00:00", "23:00:00", datetime(2026, 2, 14, 2, tzinfo=TOKYO)),
        ("2026-02-13T17:00:00+00:00", None, datetime(2026, 2, 13, 17, tzinfo=UTC)),
    ],
)
def test_days_and_instants(argument: str, day_until: str | None, before: datetime) -> None:
    assert span(argument, day_until) == Span(date(2026, 2, 14), before)


@pytest.mark.parametrize(
    ("argument", "day_until"), [("yesterday", None), ("2026-02-30", None), ("2026-02-14", "two o'clock")]
)
def test_neither_a_day_nor_an_instant(argument: str, day_until: str | None) -> None:
    with pytest.raises(Refused, match="such as"):
        span(argument, day_until)


def test_chance_depends_on_its_name_only() -> None:
    assert Chance("a").uuid() == Chance("a").uuid() != Chance("b").uuid()


# Migrations


def test_every_migration_has_a_time_and_a_name_of_its_own() -> None:
    files = migrations.migrations()

    assert len({file.version for file in files}) == len({file.name for file in files}) == len(files)
    assert all(re.fullmatch(r"20\d{12}", file.version) for file in files)


def test_the_listing_tells_up_down_and_unknown() -> None:
    files = [
        migrations.Migration("20260101000000", "create_people", Path()),
        migrations.Migration("20260102000000", "add_reason_to_people", Path()),
    ]

    listing = migrations.table("psyfit_production", files, {"20260101000000", "20260301000000"})

    assert listing.splitlines()[-3:] == [
        "   up     20260101000000  Create people",
        "  down    20260102000000  Add reason to people",
        "   up     20260301000000  ********** NO FILE **********",
    ]


# Answers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/up", 200),
        ("HEAD", "/up", 200),
        ("POST", "/up", 405),
        ("GET", "/api/v1/check-ins", 405),
        ("GET", "/", 404),
    ],
)
def test_addresses_without_a_database(app: Application, method: str, path: str, status: int) -> None:
    assert app.answer(Request(method, path)).status == status


@pytest.mark.parametrize(
    ("reached", "status", "said"), [(True, 200, ("healthy", "ok")), (False, 503, ("degraded", "error"))]
)
def test_health_is_the_databases(
    app: Application, monkeypatch: pytest.MonkeyPatch, reached: bool, status: int, said: tuple[str, str]
) -> None:
    _database(monkeypatch, reached)

    answer = app.answer(Request("GET", "/api/v1/health"))

    data = json.loads(answer.body)["data"]
    assert (answer.status, data["health_status"], data["checks"]["database"]) == (status, *said)
    assert data["version"] == "1.1.0"
    age = datetime.now(TOKYO) - datetime.fromisoformat(data["timestamp"])
    assert data["timestamp"].endswith("+09:00")
    assert age < timedelta(seconds=5)


def test_health_faults(app: Application, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _database(monkeypatch, True)
    fault = tmp_path / "health-fault"
    monkeypatch.setattr(health, "FAULT", fault)

    fault.write_text("stale\n")
    stale = json.loads(app.answer(Request("GET", "/api/v1/health")).body)
    fault.write_text("not-json\n")
    page = app.answer(Request("GET", "/api/v1/health"))

    age = datetime.now(TOKYO) - datetime.fromisoformat(stale["data"]["timestamp"])
    assert timedelta(minutes=10) <= age < timedelta(minutes=10, seconds=5)
    assert (page.status, page.content_type[:9], page.body[:9]) == (200, "text/html", b"<!DOCTYPE")


def test_a_page_without_its_database_is_an_error(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    _database(monkeypatch, False)

    assert app.answer(Request("GET", "/api/v1/clinics")).status == 500
    assert app.answer(Request("POST", "/api/v1/check-ins", body=b'{"token": "a"}')).status == 500
    log_in = b'{"email": "a@example.jp", "password": "b"}'
    assert app.answer(Request("POST", "/api/v1/session", body=log_in)).status == 500


@settings(deadline=None)
@given(st.binary())
def test_a_body_gives_a_token_or_says_what_is_wrong(body: bytes) -> None:
    with pytest.raises(ValueError, match="The body must be JSON"):
        token_of(b"[" + body)
    assert token_of(json.dumps({"token": body.hex()[:200] or "-"}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"1", b"{}", b'{"token": ""}', b'{"token": 1}', b'{"token": "a\\u0000"}', b"\xff"]
)
def test_bodies_without_a_token(app: Application, body: bytes) -> None:
    assert app.answer(Request("POST", "/api/v1/check-ins", body=body)).status == 422


def test_a_session_is_worthless_under_another_key() -> None:
    session, (_, cookie) = Sessions("key").issue()
    sent = cookie.split(";")[0]

    assert Sessions("key").of(sent) == session
    assert Sessions("another").of(sent) is None
    assert Sessions("key").of("") is None
    assert Sessions("key").of(f"{COOKIE}=forged.é") is None


@settings(deadline=None)
@given(st.text(max_size=50))
def test_foreign_cookies_prove_nothing(cookies: str) -> None:
    assert Sessions("key").of(f"{COOKIE}={cookies}") is None


# The server


def test_what_is_under_way_at_the_stop_is_completed(monkeypatch: pytest.MonkeyPatch, app: Application) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_app: Application, _request: Request) -> Answer:
        begun.set()
        assert go_on.wait(10), "the server was not told to stop while it answered"
        return success(200, "complete")

    monkeypatch.setattr(application.Application, "answer", slow)
    said: list[tuple[int, str | None, bytes]] = []
    with Server(app, port=0) as server:
        accepting = threading.Thread(target=server.serve_forever, args=(0.01,))
        accepting.start()
        idle = http.client.HTTPConnection("localhost", server.server_port, timeout=10)
        idle.connect()

        def ask() -> None:
            connection = http.client.HTTPConnection("localhost", server.server_port, timeout=10)
            connection.request("GET", "/")
            response = connection.getresponse()
            said.append((response.status, response.getheader("X-App-Version"), response.read()))
            connection.close()

        asking = threading.Thread(target=ask)
        asking.start()
        assert begun.wait(10), "the request has not come to the app"
        server.stop()
        go_on.set()
        asking.join(10)
        accepting.join(10)
        assert not asking.is_alive(), "the request in progress has had no answer"
        assert not accepting.is_alive(), "the server has not stopped"
    idle.close()

    assert said == [(200, "1.1.0", b'{"status":"success","data":"complete"}')]


# The command line


def test_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_HOST", raising=False)

    assert commands.main(["secret"]) == 0
    assert re.fullmatch(r"[0-9a-f]{128}\n", capsys.readouterr().out)
    assert commands.main(["db:migrate"]) == 1
    assert "[ERROR] DATABASE_HOST environment variable must be set" in capsys.readouterr().out
    assert commands.main(["db:day"]) == commands.main(["nonsense"]) == 2
    assert "usage: bin/rails" in capsys.readouterr().err


def _database(monkeypatch: pytest.MonkeyPatch, reached: bool) -> None:
    """A database that answers anything, or one that cannot be reached."""

    class Cursor:
        def execute(self, *_arguments: object) -> None:
            pass

    @contextmanager
    def transaction(*_arguments: object, **_named: object) -> Iterator[Cursor]:
        if not reached:
            raise DatabaseFailed('connection to server at "db" failed: Connection refused')
        yield Cursor()

    for module in (database, health):
        monkeypatch.setattr(module, "transaction", transaction)
    monkeypatch.setattr(application, "Pool", lambda _database: SimpleNamespace(transaction=transaction))


def test_a_connection_is_used_again_at_once_and_is_not_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[MagicMock] = []

    def connected(*_arguments: object) -> MagicMock:
        made.append(MagicMock())
        return made[-1]

    monkeypatch.setitem(sys.modules, "psycopg2", SimpleNamespace(Error=OSError))  # it is in the lab's image alone
    monkeypatch.setattr(database, "_connected", connected)
    monkeypatch.setattr(database, "KEPT_SECONDS", 0.2)
    pool = database.Pool(DATABASE)
    for _ in range(3):
        with pool.transaction():
            pass
    (connection,) = made
    until("a connection that nobody uses is closed", lambda: connection.close.called, 5)
    with pytest.raises(KeyError), pool.transaction():
        raise KeyError
    assert made[1].close.called, "nor is one whose transaction has failed"
