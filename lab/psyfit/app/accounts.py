"""Who may log in, and when an account is locked: its failed log-ins are counted with it, in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import passwords
from .settings import LogInPolicy

FIND = """
SELECT id, staff_id IS NOT NULL, password_digest, failed_attempts,
       coalesce(locked_at > now() - %s * interval '1 minute', false)
FROM accounts
WHERE person_id = (SELECT id FROM people WHERE email_bidx = %s)
   OR staff_id = (SELECT id FROM staff WHERE email_bidx = %s)
FOR UPDATE
"""
FAILED = "UPDATE accounts SET failed_attempts = %s, locked_at = CASE WHEN %s THEN now() END WHERE id = %s"
OPENED = "UPDATE accounts SET failed_attempts = 0, locked_at = NULL WHERE id = %s"


@dataclass(frozen=True)
class Account:
    """An account as a log-in finds it; ``is_locked`` is true for as long as the lock lasts."""

    id: int
    is_staff: bool
    password_digest: str
    failed_attempts: int
    is_locked: bool


def find(cursor: Any, fingerprint: bytes, policy: LogInPolicy) -> Account | None:
    """The account of an address by its blind index; until the transaction ends, nobody else may try it."""
    cursor.execute(FIND, [policy.lockout_minutes, fingerprint, fingerprint])
    row = cursor.fetchone()
    return None if row is None else Account(*row)


def attempt(cursor: Any, account: Account | None, password: str, policy: LogInPolicy) -> Account | None:
    """The account, where this password opens it; a failed attempt is counted, and the last one allowed locks it.

    Whatever is wrong, it takes as long: nobody learns from it which addresses have an account.
    """
    right = passwords.matches(password, account.password_digest if account else passwords.NOBODYS)
    if account is None or account.is_locked:
        return None
    if right:
        cursor.execute(OPENED, [account.id])
        return account
    failed = account.failed_attempts + 1
    locks = failed >= policy.attempts
    # When the lock has ended, counting begins anew.
    cursor.execute(FAILED, [0 if locks else failed, locks, account.id])
    return None
