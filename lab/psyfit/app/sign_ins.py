"""The sessions of those who have logged in: a random token each, which ends when it was not used for long enough."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal

from . import accounts
from .ciphers import BlindIndex
from .settings import LogInPolicy

COOKIE = "_psyfit_sign_in"
TOKEN_BYTES = 32

OPEN = "INSERT INTO sessions (token_digest, account_id) VALUES (%s, %s)"
SWEEP = "DELETE FROM sessions WHERE account_id = %s AND used_at <= now() - %s * interval '1 minute'"
USE = """
UPDATE sessions SET used_at = now() FROM accounts
WHERE token_digest = %s AND accounts.id = account_id
  AND used_at > now() - CASE WHEN staff_id IS NULL THEN %s ELSE %s END * interval '1 minute'
RETURNING staff_id IS NOT NULL
"""

Kind = Literal["user", "staff"]


@dataclass(frozen=True)
class SignIns:
    """Opens sessions and knows them again. A new SECRET_KEY_BASE ends them all."""

    secret_key_base: str = field(repr=False)
    blind_index: BlindIndex = field(repr=False)
    policy: LogInPolicy

    def open(self, cursor: Any, email: str, password: str) -> tuple[Kind, tuple[str, str]] | None:
        """Whose session it is and the header that gives it; None where address and password open none."""
        found = accounts.find(cursor, self.blind_index.fingerprint(email), self.policy)
        account = accounts.attempt(cursor, found, password, self.policy)
        if account is None:
            return None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        minutes = self.policy.staff_minutes if account.is_staff else self.policy.user_minutes
        cursor.execute(SWEEP, [account.id, minutes])
        cursor.execute(OPEN, [self._digest(token), account.id])
        cookie = f"{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax"
        return _kind(account.is_staff), ("Set-Cookie", cookie)

    def of(self, cursor: Any, cookies: str) -> Kind | None:
        """Whose session a request's cookies prove, if any; its time begins anew."""
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return None
        if morsel is None:
            return None
        cursor.execute(USE, [self._digest(morsel.value), self.policy.user_minutes, self.policy.staff_minutes])
        row = cursor.fetchone()
        return None if row is None else _kind(row[0])

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self.secret_key_base.encode(), b"sign-in\0" + token.encode(), "sha256")


def _kind(is_staff: bool) -> Kind:
    return "staff" if is_staff else "user"
