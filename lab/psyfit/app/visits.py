"""How many pages a session has seen, counted in Redis. The service does without when Redis is away."""

from __future__ import annotations

from importlib import import_module

from . import log
from .settings import RedisSettings

SESSION_SECONDS = 30 * 60
REDIS_SECONDS = 0.5


class Visits:
    """Counts for as long as a session lasts."""

    def __init__(self, settings: RedisSettings) -> None:
        # By name: the client is there where the service runs, and not where its code is only read and tested.
        client = import_module("redis")
        self._failure: type[Exception] = client.RedisError
        self._redis = client.Redis(
            host=settings.host,
            password=settings.password or None,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )

    def count(self, session: str) -> int | None:
        """This visit's number in its session; None when Redis did not say."""
        key = f"visits:{session}"
        try:
            # One after the other: a pipeline's errors would quote the command, and with it the session.
            number = self._redis.incr(key)
            self._redis.expire(key, SESSION_SECONDS)
        except self._failure as error:
            log.error(f"Redis: {error}")
            return None
        return int(number)
