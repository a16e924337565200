"""A question to PostgreSQL itself, by psql in the database's own container, in a session that cannot write."""

from __future__ import annotations

from runbook.model import rights
from runbook.model.question import Command


def in_database(
    statement: str, *, limit: int = 4, seconds: float = 5.0, settings: str = "", database: str = "{database}"
) -> Command:
    """Ask the service's database.

    Args:
        statement: What it selects; it stands between double quotes in a shell.
        limit: How long the database itself may take, in seconds.
        seconds: How long the whole may take.
        settings: More settings of the session, as ``-c name=value`` each.
        database: Another one than the service's.
    """
    session = f"-c default_transaction_read_only=on -c statement_timeout={limit}s{settings}"
    return Command(
        f"docker exec -e PGOPTIONS='{session}' {{db}} "
        'sh -c \'exec psql -XAtq -U "${{POSTGRES_USER:-postgres}}" -d "$1" -c "$2"\' sh '
        f'{database} "{statement}"',
        needs=rights.DOCKER,
        lane="docker",
        seconds=seconds,
    )
