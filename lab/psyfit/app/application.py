"""The service's addresses and what stands behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import BoundedSemaphore, Event
from typing import Any

from . import log
from .answer import Answer, failure, html, success
from .database import DatabaseFailed, Pool
from .health import health
from .sessions import Sessions
from .settings import DatabaseSettings
from .sign_ins import SignIns

CONNECTIONS = 16
TURN_SECONDS = 10
TOKEN_CHARACTERS = 200
LOG_IN_CHARACTERS = 200
REPORT_SECONDS = 4
NO_LOG_IN = "E-mail or password is wrong, or the account is locked"
"""One answer for whatever is wrong: it tells nobody which addresses have an account."""


@dataclass(frozen=True)
class Request:
    """What the addresses need to know of a request."""

    method: str
    path: str
    cookies: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Application:
    """Answers requests; several at once."""

    database: DatabaseSettings
    version: str
    sessions: Sessions
    sign_ins: SignIns
    count_visit: Callable[[str], int | None]
    turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(CONNECTIONS))

    @cached_property
    def pool(self) -> Pool:
        """Its connections to the database."""
        return Pool(self.database)

    def answer(self, request: Request) -> Answer:
        """The answer to a request, whatever it is."""
        methods = self._routes().get(request.path)
        if methods is None:
            return failure(404, "Not Found")
        # A HEAD is answered as a GET whose body is left away when it is sent.
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return failure(405, "Method Not Allowed", ("Allow", ", ".join(methods)))
        try:
            return handler(request)
        except DatabaseFailed as error:
            log.error(f"{request.method} {request.path}: {error}")
            return failure(500, "Internal Server Error")

    def _routes(self) -> dict[str, dict[str, Callable[[Request], Answer]]]:
        return {
            "/up": {"GET": self._up},
            "/api/v1/health": {"GET": self._health},
            "/api/v1/clinics": {"GET": self._clinics},
            "/api/v1/check-ins": {"POST": self._check_in},
            "/api/v1/report": {"GET": self._report},
            "/api/v1/session": {"GET": self._session, "POST": self._log_in},
        }

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A cursor for a page; when many are asked for at once they take turns, as with Rails' pool."""
        if not self.turns.acquire(timeout=TURN_SECONDS):
            raise DatabaseFailed(f"no connection to the database became free within {TURN_SECONDS} s")
        try:
            with self.pool.transaction() as cursor:
                yield cursor
        finally:
            self.turns.release()

    def _up(self, _request: Request) -> Answer:
        return html(200, '<!DOCTYPE html><html><body style="background-color: green"></body></html>')

    def _health(self, _request: Request) -> Answer:
        return health(self.database, self.version)

    def _clinics(self, request: Request) -> Answer:
        """The clinics with their staff and people counted, and the visitor's own count of visits."""
        with self._transaction() as cursor:
            cursor.execute(
                "SELECT id, name, (SELECT count(*) FROM staff WHERE clinic_id = clinics.id),"
                " (SELECT count(*) FROM people WHERE clinic_id = clinics.id) FROM clinics ORDER BY id"
            )
            clinics = [
                {"id": number, "name": name, "staff": staff, "people": people}
                for number, name, staff, people in cursor.fetchall()
            ]
        known = self.sessions.of(request.cookies)
        if known is not None:
            return success(200, {"clinics": clinics, "session": "known", "visits": self.count_visit(known)})
        session, cookie = self.sessions.issue()
        return success(200, {"clinics": clinics, "session": "new", "visits": self.count_visit(session)}, cookie)

    def _report(self, _request: Request) -> Answer:
        """Figures that are made while the visitor waits, which takes long; no connection is held meanwhile."""
        Event().wait(REPORT_SECONDS)
        with self._transaction() as cursor:
            cursor.execute("SELECT count(*), max(created_at) FROM audit_events")
            events, newest = cursor.fetchone()
        return success(200, {"audit_events": events, "newest": newest.isoformat() if newest else None})

    def _session(self, request: Request) -> Answer:
        """Whether the visitor is logged in, and as what; asking is a use of the session."""
        with self._transaction() as cursor:
            kind = self.sign_ins.of(cursor, request.cookies)
        return failure(401, "Not logged in") if kind is None else success(200, {"kind": kind})

    def _log_in(self, request: Request) -> Answer:
        """Open a session for an e-mail and its password."""
        try:
            email, password = log_in_of(request.body)
        except ValueError as error:
            return failure(422, str(error))
        with self._transaction() as cursor:
            opened = self.sign_ins.open(cursor, email, password)
        if opened is None:
            return failure(401, NO_LOG_IN)
        kind, cookie = opened
        return success(201, {"kind": kind}, cookie)

    def _check_in(self, request: Request) -> Answer:
        """Write one row for a token: 201 the first time, then 200 with the same row."""
        try:
            token = token_of(request.body)
        except ValueError as error:
            return failure(422, str(error))
        with self._transaction() as cursor:
            # Asked before, since a row refused by ON CONFLICT would use up a number of the sequence.
            find = "SELECT id, token, created_at FROM check_ins WHERE token = %s"
            cursor.execute(find, [token])
            row, status = cursor.fetchone(), 200
            if row is None:
                cursor.execute(
                    "INSERT INTO check_ins (token) VALUES (%s) ON CONFLICT (token) DO NOTHING"
                    " RETURNING id, token, created_at",
                    [token],
                )
                row, status = cursor.fetchone(), 201
            if row is None:
                cursor.execute(find, [token])
                row, status = cursor.fetchone(), 200
        number, token, created_at = row
        return success(status, {"id": number, "token": token, "created_at": created_at.isoformat()})


def token_of(body: bytes) -> str:
    """The token in a request's JSON body.

    Raises:
        ValueError: There is none, with what is wrong.
    """
    wrong = f'The body must be JSON such as {{"token": "…"}} with 1 to {TOKEN_CHARACTERS} characters'
    (token,) = _texts(body, ("token",), TOKEN_CHARACTERS, wrong)
    return token


def log_in_of(body: bytes) -> tuple[str, str]:
    """The e-mail and the password in a request's JSON body.

    Raises:
        ValueError: They are not both there, with what is wrong.
    """
    wrong = f'The body must be JSON such as {{"email": "…", "password": "…"}} with 1 to {LOG_IN_CHARACTERS} characters'
    email, password = _texts(body, ("email", "password"), LOG_IN_CHARACTERS, wrong)
    return email, password


def _texts(body: bytes, names: tuple[str, ...], longest: int, wrong: str) -> list[str]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError(wrong) from None
    found = [content.get(name) for name in names] if isinstance(content, dict) else []
    texts = [text for text in found if isinstance(text, str) and 1 <= len(text) <= longest and text.isprintable()]
    if len(texts) != len(names):
        raise ValueError(wrong)
    return texts
