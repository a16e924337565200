"""Who is let in: the service to the database and to Redis, the password of .kamal/secrets, and nobody without one.

Each log-in to the database goes over TCP to an address of its container that is not loopback: through its socket and
from loopback PostgreSQL's image lets everybody in. What is tried goes from where it stands through a pipe into the
environment of the client: it is in no argument list, no answer and no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.docker.containers import Container, fleet
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output, lines_of
from runbook.observation.snapshot import Snapshot

ENVIRONMENT = "docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {release} | "

PSQL_OVER_TCP = (
    "docker exec -i -e PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=4s' {db} "
    "sh -c 'IFS= read -r PGPASSWORD; export PGPASSWORD PGCONNECT_TIMEOUT=4; "
    'exec psql -XAtqw -h "$(cat /etc/hostname)" -U "${{POSTGRES_USER:-postgres}}" -d "$1" -c "$2"\' '
    'sh {database} "SELECT 1"'
)

TO_DATABASE = Command(
    ENVIRONMENT + "sed -n -e 's/^POSTGRES_PASSWORD=/PGPASSWORD=/p' -e 's/^DATABASE_USER=/PGUSER=/p' "
    "-e 's/^DATABASE_HOST=/PGHOST=/p' | "
    "docker exec -e PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=4s' -e PGCONNECT_TIMEOUT=3 "
    '--env-file /dev/stdin {db} sh -c \'exec psql -XAtqw -h "${{PGHOST:-$3}}" '
    '-U "${{PGUSER:-${{POSTGRES_USER:-postgres}}}}" -d "$1" -c "$2"\' sh {database} "SELECT 1" {db}',
    needs=rights.DOCKER,
    lane="docker",
    seconds=8,
)
"""By the container's name, so not from 127.0.0.1: there, and on the socket, PostgreSQL's image lets everybody in."""

TO_REDIS = Command(
    ENVIRONMENT + "sed -n -e 's/^REDIS_PASSWORD=/REDISCLI_AUTH=/p' "
    r"-e 's,^REDIS_URL=rediss*://[^:@/]*:\([^@]*\)@.*,REDISCLI_AUTH=\1,p' | "
    "docker exec --env-file /dev/stdin {redis} redis-cli -h {redis} ping",
    needs=rights.DOCKER,
    lane="docker",
    seconds=8,
)

BY_SECRETS = Command(
    "exec < {app}/.kamal/secrets || exit\n"
    r"sed -nE 's/^[[:space:]]*(export[[:space:]]+)?POSTGRES_PASSWORD=//p' | tail -n 1 | "
    r"sed -E -e 's/^([\"\x27])(.*)\1[[:space:]]*$/\2/' -e 's/^[$].*//' | "
    f"{PSQL_OVER_TCP}",
    needs=rights.ROOT,
    lane="docker",
    seconds=10,
)
"""What is given by reference, such as ``$OTHER``, is left out: it is not known here."""

BY_NOTHING = Command(f"echo | {PSQL_OVER_TCP}", needs=rights.DOCKER, lane="docker", seconds=10)

REFUSED = re.compile(r'password authentication failed for user "([^"]+)"')

PASSWORD_REFUSALS = ("password authentication failed", "no password supplied")


@dataclass(frozen=True)
class Login:
    """How a login with the release's own credentials ended.

    Attributes:
        answered: The server let it in and answered.
        said: Its last word, for a person.
    """

    release: Container
    answered: bool
    said: str

    @property
    def role_refused(self) -> str | None:
        """The role that PostgreSQL did not let in for its password; None where that was not the reason."""
        refused = REFUSED.search(self.said)
        return refused[1] if refused else None


@dataclass(frozen=True)
class PasswordAttempt:
    """How the database took one password. ``tried`` is false where there was none to try."""

    taken: bool
    tried: bool


def database_login(snapshot: Snapshot) -> Login:
    """Whether the running release's credentials log in to the database over the network."""
    release = _running(snapshot)
    return read_login(release, snapshot.ask(TO_DATABASE.with_values(release=release.name)), "1")


def redis_login(snapshot: Snapshot) -> Login:
    """Whether the running release's credentials log in to Redis."""
    release = _running(snapshot)
    return read_login(release, snapshot.ask(TO_REDIS.with_values(release=release.name)), "PONG")


def log_in_of_secrets(snapshot: Snapshot) -> PasswordAttempt:
    """With the password in .kamal/secrets, which the next release gets."""
    return read_attempt(snapshot.ask(BY_SECRETS))


def passwordless_login(snapshot: Snapshot) -> PasswordAttempt:
    """Without a password."""
    return read_attempt(snapshot.ask(BY_NOTHING))


def _running(snapshot: Snapshot) -> Container:
    release = next(iter(snapshot.observe(fleet).running_releases), None)
    if release is None:
        raise Undetermined("no web release is running whose credentials could be tried")
    return release


def read_login(release: Container, output: Output, answer: str) -> Login:
    """What came of a login; ``answer`` is what the client prints where it was let in.

    Raises:
        Undetermined: The client could not be run.
    """
    if "error response from daemon" in output.err.lower() or output.status in (126, 127):
        output.required("the answer to a login")
    said = lines_of(output.err.strip()) + lines_of(output.out.strip())
    return Login(release, output.out.strip() == answer, said[0] if said else "nothing")


def read_attempt(told: Output) -> PasswordAttempt:
    """How the database took it.

    Raises:
        Undetermined: It was asked in vain, for another reason than the password.
    """
    if told.status == 0 and told.out.strip() == "1":
        return PasswordAttempt(taken=True, tried=True)
    if any(refusal in told.err for refusal in PASSWORD_REFUSALS):
        return PasswordAttempt(taken=False, tried=PASSWORD_REFUSALS[1] not in told.err)
    told.required("the login to the database over TCP")
    raise Undetermined("the login to the database over TCP was answered in an unexpected form")
