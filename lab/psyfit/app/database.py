"""Connections to the database: over TCP, as the service's own user."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from .settings import DatabaseSettings

CONNECT_SECONDS = 3
"""libpq counts by the seconds of the clock: between two and three."""

QUERY_SECONDS = 10

KEPT_SECONDS = 1.0
"""So short that whoever changes a password or takes the database away is noticed by the next visitor."""


class DatabaseFailed(Exception):
    """The database could not be reached or did not do what was asked; its own words, on one line."""


class Pool:
    """Connections for the pages: each is used again if that is soon, as Rails' own are, and else closed."""

    def __init__(self, database: DatabaseSettings) -> None:
        self._database = database
        self._kept: dict[Any, threading.Timer] = {}
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A cursor in one transaction.

        Raises:
            DatabaseFailed: With libpq's or the server's message.
        """
        with _told():
            connection = self._take() or _connected(self._database, QUERY_SECONDS)
            try:
                with connection, connection.cursor() as cursor:
                    yield cursor
            except BaseException:
                connection.close()
                raise
            self._keep(connection)

    def _take(self) -> Any | None:
        with self._lock:
            if not self._kept:
                return None
            connection, ending = self._kept.popitem()
        ending.cancel()
        return connection

    def _keep(self, connection: Any) -> None:
        ending = threading.Timer(KEPT_SECONDS, self._end, [connection])
        ending.daemon = True
        with self._lock:
            self._kept[connection] = ending
        ending.start()

    def _end(self, connection: Any) -> None:
        with self._lock:
            unused = self._kept.pop(connection, None) is not None
        if unused:
            connection.close()


@contextmanager
def transaction(database: DatabaseSettings, *, seconds: int | None = QUERY_SECONDS) -> Iterator[Any]:
    """A cursor in one transaction on a connection of its own.

    Args:
        seconds: How long one query may take; None for the work of the command line.

    Raises:
        DatabaseFailed: With libpq's or the server's message.
    """
    with _told(), closing(_connected(database, seconds)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def _connected(database: DatabaseSettings, seconds: int | None) -> Any:
    import psycopg2

    return psycopg2.connect(
        host=database.host,
        dbname=database.name,
        user=database.user,
        password=database.password,
        connect_timeout=CONNECT_SECONDS,
        client_encoding="UTF8",
        application_name="psyfit-web",
        options=f"-c timezone=Asia/Tokyo -c statement_timeout={(seconds or 0) * 1000}",
    )


@contextmanager
def _told() -> Iterator[None]:
    import psycopg2

    try:
        yield
    except psycopg2.Error as error:
        raise DatabaseFailed(" ".join(str(error).split())) from None
