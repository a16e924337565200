"""The stand-in app's log-in, without a database: what it stores, whom it lets in, and when it locks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.psyfit.app import accounts, application, passwords
from lab.psyfit.app import settings as app_settings
from lab.psyfit.app.accounts import FAILED, FIND, OPENED, Account
from lab.psyfit.app.application import NO_LOG_IN, Application, Request, log_in_of
from lab.psyfit.app.ciphers import BlindIndex
from lab.psyfit.app.refusal import Refused
from lab.psyfit.app.sessions import Sessions
from lab.psyfit.app.settings import DatabaseSettings, LogInPolicy
from lab.psyfit.app.sign_ins import COOKIE, OPEN, USE, SignIns

POLICY = LogInPolicy()
RIGHT = "correct horse"
ACCOUNT = Account(7, False, passwords.digest(RIGHT, b"s" * 16), 0, False)
VARIABLES = {
    "SESSION_TIMEOUT_USER_MINUTES": "user_minutes",
    "SESSION_TIMEOUT_STAFF_MINUTES": "staff_minutes",
    "LOCKOUT_ATTEMPTS": "attempts",
    "LOCKOUT_MINUTES": "lockout_minutes",
}


class Cursor:
    """A database with this account or none, and the sessions opened in it."""

    def __init__(self, account: Account | None) -> None:
        self.account = account
        self.done: list[tuple[str, Any]] = []
        self._row: tuple[Any, ...] | None = None

    def execute(self, statement: str, values: list[Any]) -> None:
        self.done.append((statement, values))
        if statement == FIND:
            one = self.account
            self._row = astuple(one) if one else None
        elif statement == USE:
            known = (OPEN, [values[0], 7]) in self.done
            self._row = (self.account.is_staff,) if known and self.account else None

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._row

    def changes(self) -> list[tuple[str, Any]]:
        return [one for one in self.done if one[0] != FIND]


@pytest.fixture
def sign_ins() -> SignIns:
    return SignIns("s" * 128, BlindIndex("b" * 64), POLICY)


@settings(deadline=None, max_examples=5)
@given(st.text(), st.binary(min_size=16, max_size=16))
def test_a_digest_is_its_own_passwords_only(password: str, salt: bytes) -> None:
    stored = passwords.digest(password, salt)

    assert passwords.matches(password, stored)
    assert not passwords.matches(password + "x", stored)
    assert password not in stored.split("$")


@pytest.mark.parametrize("password", ["", RIGHT])
def test_nobody_has_a_password(password: str) -> None:
    assert not passwords.matches(password, passwords.NOBODYS)


def test_the_right_password_opens_and_forgets_what_failed() -> None:
    cursor = Cursor(None)

    assert accounts.attempt(cursor, replace(ACCOUNT, failed_attempts=4), RIGHT, POLICY)
    assert cursor.done == [(OPENED, [7])]


@pytest.mark.parametrize(("before", "counted", "locks"), [(0, 1, False), (3, 4, False), (4, 0, True), (9, 0, True)])
def test_the_last_failure_allowed_locks(before: int, counted: int, locks: bool) -> None:
    cursor = Cursor(None)

    assert accounts.attempt(cursor, replace(ACCOUNT, failed_attempts=before), "wrong", POLICY) is None
    assert cursor.done == [(FAILED, [counted, locks, 7])]


@pytest.mark.parametrize("account", [None, replace(ACCOUNT, is_locked=True)])
@pytest.mark.parametrize("password", [RIGHT, "wrong"])
def test_nobody_and_the_locked_are_not_let_in_and_take_as_long(
    monkeypatch: pytest.MonkeyPatch, account: Account | None, password: str
) -> None:
    tried: list[str] = []
    matches = passwords.matches

    def trying(password: str, stored: str) -> bool:
        tried.append(stored)
        return matches(password, stored)

    monkeypatch.setattr(passwords, "matches", trying)
    cursor = Cursor(None)

    assert accounts.attempt(cursor, account, password, POLICY) is None
    assert len(tried) == 1
    assert not cursor.done


@pytest.mark.parametrize(("is_staff", "kind"), [(False, "user"), (True, "staff")])
def test_a_session_is_known_by_its_cookie_and_stored_as_a_digest(sign_ins: SignIns, is_staff: bool, kind: str) -> None:
    cursor = Cursor(replace(ACCOUNT, is_staff=is_staff))

    opened = sign_ins.open(cursor, " Hanako@Example.jp", RIGHT)

    assert opened is not None
    assert opened[0] == kind
    header, value = opened[1]
    cookie, *attributes = value.split("; ")
    token = cookie.removeprefix(f"{COOKIE}=")
    assert (header, attributes) == ("Set-Cookie", ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
    assert token not in repr(cursor.done)
    assert sign_ins.of(cursor, f"{COOKIE}={token}") == kind
    assert replace(sign_ins, secret_key_base="t" * 128).of(cursor, f"{COOKIE}={token}") is None


def test_two_sessions_have_two_tokens(sign_ins: SignIns) -> None:
    cursor = Cursor(ACCOUNT)

    assert sign_ins.open(cursor, "a", RIGHT) != sign_ins.open(cursor, "a", RIGHT)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_foreign_cookies_prove_no_log_in(cookies: str) -> None:
    cursor, known = Cursor(ACCOUNT), SignIns("s", BlindIndex("b"), POLICY)

    assert known.of(cursor, cookies) is None
    assert known.of(cursor, f"{COOKIE}={cookies}") is None


@settings(deadline=None)
@given(st.binary())
def test_a_body_gives_a_log_in_or_says_what_is_wrong(body: bytes) -> None:
    for foreign in (body, b"[" + body, b'{"email": "a", "password": ' + body + b"}"):
        try:
            assert all(1 <= len(text) <= 200 for text in log_in_of(foreign))
        except ValueError as error:
            assert str(error).startswith("The body must be JSON")


@pytest.mark.parametrize(
    "account",
    [None, ACCOUNT, replace(ACCOUNT, failed_attempts=4), replace(ACCOUNT, is_locked=True)],
)
def test_whatever_is_wrong_has_one_answer(
    sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch, account: Account | None
) -> None:
    answer = _asked(monkeypatch, sign_ins, account, "wrong")

    assert (answer.status, json.loads(answer.body)) == (401, {"status": "error", "message": NO_LOG_IN})
    assert not answer.headers


def test_a_log_in_answers_with_its_cookie_and_says_no_more_than_whose_it_is(
    sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = _asked(monkeypatch, sign_ins, ACCOUNT, RIGHT)

    assert (answer.status, json.loads(answer.body)["data"]) == (201, {"kind": "user"})
    assert [name for name, _ in answer.headers] == ["Set-Cookie"]


def test_without_a_session_nobody_is_logged_in(sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    app = _application(monkeypatch, sign_ins, Cursor(ACCOUNT))

    assert app.answer(Request("GET", "/api/v1/session")).status == 401


def test_the_policy_is_the_runbooks_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    assert app_settings.log_in_policy() == LogInPolicy(30, 15, 5, 30)


@pytest.mark.parametrize(("name", "field"), VARIABLES.items())
def test_a_variable_sets_its_part_of_the_policy(monkeypatch: pytest.MonkeyPatch, name: str, field: str) -> None:
    monkeypatch.setenv(name, "60")
    assert app_settings.log_in_policy() == replace(POLICY, **{field: 60})

    for wrong in ("0", "-1", "30m", "１５", "100000"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(Refused, match=f"{name} environment variable must be a whole number"):
            app_settings.log_in_policy()


def _asked(monkeypatch: pytest.MonkeyPatch, sign_ins: SignIns, account: Account | None, password: str) -> Any:
    body = json.dumps({"email": "hanako@example.jp", "password": password}).encode()
    return _application(monkeypatch, sign_ins, Cursor(account)).answer(Request("POST", "/api/v1/session", body=body))


def _application(monkeypatch: pytest.MonkeyPatch, sign_ins: SignIns, cursor: Cursor) -> Application:
    @contextmanager
    def transaction(*_arguments: object, **_named: object) -> Iterator[Cursor]:
        yield cursor

    monkeypatch.setattr(application, "Pool", lambda _database: SimpleNamespace(transaction=transaction))
    database = DatabaseSettings("db", "psyfit_production", "psyfit_prod", "p")
    return Application(database, "1.1.0", Sessions("s" * 128), sign_ins, lambda _session: None)
