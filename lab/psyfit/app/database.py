"""Connections to the database: over TCP, as the service's own user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .settings import DatabaseSettings

CONNECT_SECONDS = 3
"""libpq counts by the seconds of the clock: between two and three."""

QUERY_SECONDS = 10


class DatabaseFailed(Exception):
    """The database could not be reached or did not do what was asked; its own words, on one line."""


@contextmanager
def transaction(database: DatabaseSettings, *, seconds: int | None = QUERY_SECONDS) -> Iterator[Any]:
    """A cursor in one transaction on a connection of its own.

    Args:
        seconds: How long one query may take; None for the work of the command line.

    Raises:
        DatabaseFailed: With libpq's or the server's message.
    """
    import psycopg2

    connection = None
    try:
        connection = psycopg2.connect(
            host=database.host,
            dbname=database.name,
            user=database.user,
            password=database.password,
            connect_timeout=CONNECT_SECONDS,
            client_encoding="UTF8",
            application_name="psyfit-web",
            options=f"-c timezone=Asia/Tokyo -c statement_timeout={(seconds or 0) * 1000}",
        )
        with connection, connection.cursor() as cursor:
            yield cursor
    except psycopg2.Error as error:
        raise DatabaseFailed(" ".join(str(error).split())) from None
    finally:
        if connection is not None:
            connection.close()
