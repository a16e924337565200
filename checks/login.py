"""Whether the database lets in who has the password of .kamal/secrets, and nobody without one.

Each log-in goes over TCP to an address of the database's container that is not loopback: through its socket and from
loopback PostgreSQL's image lets everybody in. The password goes from where it stands through a pipe into one
environment; it is in no argument list, no answer and no file.
"""

from __future__ import annotations

from dataclasses import dataclass

from runbook import rights
from runbook.look import Look
from runbook.outcome import Undetermined
from runbook.question import Command, Output

LOG_IN = (
    "docker exec -i -e PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=4s' {db} "
    "sh -c 'IFS= read -r PGPASSWORD; export PGPASSWORD PGCONNECT_TIMEOUT=4; "
    'exec psql -XAtqw -h "$(cat /etc/hostname)" -U "${{POSTGRES_USER:-postgres}}" -d "$1" -c "$2"\' '
    'sh {database} "SELECT 1"'
)

BY_SECRETS = Command(
    "exec < {app}/.kamal/secrets || exit\n"
    r"sed -nE 's/^[[:space:]]*(export[[:space:]]+)?POSTGRES_PASSWORD=//p' | tail -n 1 | "
    r"sed -E -e 's/^([\"\x27])(.*)\1[[:space:]]*$/\2/' -e 's/^[$].*//' | "
    f"{LOG_IN}",
    needs=rights.ROOT,
    lane="docker",
    seconds=10,
)
"""What is given by reference, such as ``$OTHER``, is left out: it is not known here."""

BY_NOTHING = Command(f"echo | {LOG_IN}", needs=rights.DOCKER, lane="docker", seconds=10)

REFUSALS = ("password authentication failed", "no password supplied")


@dataclass(frozen=True)
class LogIn:
    """How the database took one password. ``tried`` is false where there was none to try."""

    taken: bool
    tried: bool


def log_in_of_secrets(look: Look) -> LogIn:
    """With the password in .kamal/secrets, which the next release gets."""
    return read_log_in(look.ask(BY_SECRETS))


def log_in_of_anybody(look: Look) -> LogIn:
    """Without a password."""
    return read_log_in(look.ask(BY_NOTHING))


def read_log_in(told: Output) -> LogIn:
    """How the database took it.

    Raises:
        Undetermined: It was asked in vain, for another reason than the password.
    """
    if told.status == 0 and told.out.strip() == "1":
        return LogIn(taken=True, tried=True)
    if any(refusal in told.err for refusal in REFUSALS):
        return LogIn(taken=False, tried=REFUSALS[1] not in told.err)
    told.required("the login to the database over TCP")
    raise Undetermined("the login to the database over TCP was answered in an unexpected form")
