"""Whether the service's own credentials log in: to the database over TCP, and to Redis.

The credentials go from the release's environment through a pipe into that of the client: they are in no argument list
and in no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.containers import Container, fleet
from runbook import rights
from runbook.look import Look
from runbook.outcome import Undetermined
from runbook.question import Command, Output, lines_of

ENVIRONMENT = "docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {release} | "

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

REFUSED = re.compile(r'password authentication failed for user "([^"]+)"')


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


def database_login(look: Look) -> Login:
    """Whether the running release's credentials log in to the database over the network."""
    release = _running(look)
    return read_login(release, look.ask(TO_DATABASE.about(release=release.name)), "1")


def redis_login(look: Look) -> Login:
    """Whether the running release's credentials log in to Redis."""
    release = _running(look)
    return read_login(release, look.ask(TO_REDIS.about(release=release.name)), "PONG")


def _running(look: Look) -> Container:
    release = next(iter(look.see(fleet).running_releases), None)
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
