"""Visitors' sessions: a cookie signed under SECRET_KEY_BASE, which a new key makes worthless."""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

COOKIE = "_psyfit_session"


class Sessions:
    """Issues sessions and knows its own again."""

    def __init__(self, secret_key_base: str) -> None:
        self._key = secret_key_base.encode()

    def issue(self) -> tuple[str, tuple[str, str]]:
        """A new session, and the header that gives it to the visitor."""
        session = secrets.token_hex(16)
        cookie = f"{COOKIE}={session}.{self._signature(session)}; Path=/; HttpOnly; SameSite=Lax"
        return session, ("Set-Cookie", cookie)

    def of(self, cookies: str) -> str | None:
        """The session that a request's cookies prove, if any."""
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return None
        session, _, signature = (morsel.value if morsel else "").partition(".")
        known = hmac.compare_digest(signature.encode(), self._signature(session).encode())
        return session if known else None

    def _signature(self, session: str) -> str:
        return hmac.digest(self._key, session.encode(), "sha256").hex()
