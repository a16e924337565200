"""What the service is told through its environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .refusal import Refused

ROOT = Path(__file__).resolve().parents[1]
NO_MASTER_KEY = (
    "Missing encryption key to decrypt config/credentials.yml.enc with: "
    "put the master key into the environment variable RAILS_MASTER_KEY"
)


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the database is, and as whom the service logs in."""

    host: str
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class RedisSettings:
    """Where Redis is. Nothing depends on it but counts."""

    host: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """The secrets that personal data and sessions rest on."""

    attributes: str = field(repr=False)
    blind_index: str = field(repr=False)


@dataclass(frozen=True)
class LogInPolicy:
    """When a session ends that is not used, and when an account is locked.

    Attributes:
        attempts: How many log-ins in a row may fail; the last of them locks the account.
        lockout_minutes: For how long.
    """

    user_minutes: int = 30
    staff_minutes: int = 15
    attempts: int = 5
    lockout_minutes: int = 30


def database() -> DatabaseSettings:
    """The database's settings.

    Raises:
        Refused: A variable is missing.
    """
    return DatabaseSettings(
        host=required("DATABASE_HOST"),
        name=required("DATABASE_NAME"),
        user=required("DATABASE_USER"),
        password=required("POSTGRES_PASSWORD"),
    )


def redis() -> RedisSettings:
    """Redis' settings; without a password it will refuse, and that is logged when it does."""
    return RedisSettings(os.environ.get("REDIS_HOST", "psyfit-redis"), os.environ.get("REDIS_PASSWORD", ""))


def keys() -> Keys:
    """The keys of personal data.

    Raises:
        Refused: One is missing.
    """
    return Keys(attributes=required("ATTR_ENCRYPTED_KEY"), blind_index=required("BLIND_INDEX_KEY"))


def log_in_policy() -> LogInPolicy:
    """The policy of log-ins; what is not said is as the runbook's section 10 has it.

    Raises:
        Refused: A variable is no whole number above 0.
    """
    usual = LogInPolicy()
    return LogInPolicy(
        user_minutes=_number("SESSION_TIMEOUT_USER_MINUTES", usual.user_minutes),
        staff_minutes=_number("SESSION_TIMEOUT_STAFF_MINUTES", usual.staff_minutes),
        attempts=_number("LOCKOUT_ATTEMPTS", usual.attempts),
        lockout_minutes=_number("LOCKOUT_MINUTES", usual.lockout_minutes),
    )


def master_key() -> str:
    """The key of the encrypted credentials.

    Raises:
        Refused: It is missing.
    """
    key = os.environ.get("RAILS_MASTER_KEY")
    if not key:
        raise Refused(NO_MASTER_KEY)
    return key


def version() -> str:
    """This release's version."""
    return (ROOT / "VERSION").read_text().strip()


def required(name: str) -> str:
    """One variable that must have a value.

    Raises:
        Refused: It is missing or empty.
    """
    value = os.environ.get(name)
    if not value:
        raise Refused(f"{name} environment variable must be set")
    return value


def _number(name: str, usual: int) -> int:
    text = os.environ.get(name) or str(usual)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text):
        raise Refused(f"{name} environment variable must be a whole number from 1 to 99999")
    return int(text)
