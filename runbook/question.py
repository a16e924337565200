"""Questions: all that can ever be asked of a server, as frozen values.

A check module declares its questions at module level. A `Command` is a template over the target's facts
(`facts_of`) and over what an earlier answer told (`Command.about`); every value is quoted for the shell.
A question never holds a secret, and never changes anything: a test reads every declared one.
"""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from runbook import rights
from runbook.met import Met
from runbook.outcome import Undetermined
from runbook.record import Vantage
from runbook.rights import Right
from runbook.target import Target

A = TypeVar("A")


Lane = Literal["quick", "docker", "slow"]
Facts = Mapping[str, str | tuple[str, ...]]
Inspection = dict[str, Any]
"""One object as `docker inspect` tells it, its environment as names with keyed fingerprints."""


def facts_of(target: Target) -> Facts:
    """The words that a command's template may use: where the target's things are and what they are called."""
    paths, containers = target.paths, target.containers
    page = target.edge.database_page
    return {
        **({"database_page": page} if page else {}),
        **({"offsite_bucket": target.offsite.bucket} if target.offsite.bucket else {}),
        "offsite_prefix": target.offsite.prefix,
        **({"repository": target.github.repository} if target.github.repository else {}),
        "domain": target.domain,
        "app": paths.app,
        "backups": paths.backups,
        "monitor_log": paths.monitor_log,
        "backup_log": paths.backup_log,
        "cleanup_log": paths.cleanup_log,
        "docker_root": paths.docker,
        "database": target.backups.database,
        "freshness_columns": target.backups.freshness_columns,
        "login_policy_variables": target.login_policy.variables,
        "cron_account": target.cron.account,
        "db": containers.db,
        "redis": containers.redis,
        "proxy": containers.proxy,
        "proxy_service": containers.proxy_service,
        "web_port": str(containers.web_port),
    }


@dataclass(frozen=True, kw_only=True)
class Question(Generic[A]):
    """One thing to be asked; ``A`` is the type of its answer.

    Attributes:
        needs: The right without which there is no answer.
        seconds: How long the whole answer may take, counted from when it is begun.
    """

    needs: Right = rights.LOGIN
    seconds: float = 5.0

    @property
    def vantage(self) -> Vantage:
        """From where it is asked."""
        return "inside"

    def told(self, facts: Facts) -> str:
        """The question as it is asked, for plan, evidence and report."""
        raise NotImplementedError

    def template(self) -> Question[A]:
        """The question as it was declared."""
        return self


def lines_of(text: str) -> list[str]:
    """The lines of what a server says. Only a line feed ends one: other signs that may are part of names and logs."""
    return text.removesuffix("\n").split("\n") if text else []


def _domain(facts: Facts) -> str:
    """The domain; where no target names it, ``<domain>``."""
    return str(facts.get("domain", "<domain>"))


@dataclass(frozen=True)
class Output:
    """What a command answered. ``status`` is its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of standard output."""
        return tuple(lines_of(self.out))

    def required(self, what: str) -> Output:
        """This output, where the command ended well.

        Raises:
            Undetermined: The command failed, so ``what`` cannot be told.
        """
        if self.status != 0:
            said = lines_of(self.err.strip() or self.out.strip() or "nothing")[-1]
            raise Undetermined(f"{what} could not be read: the command ended with {self.status} and said: {said}")
        return self


@dataclass(frozen=True)
class Command(Question[Output]):
    """A read-only shell command on the server, run in the C locale by sh.

    Attributes:
        script: Template; ``{name}`` stands for a fact or a value of `about`, quoted for the shell.
        lane: Commands of one lane are answered in order; ``slow`` is for whole reads, at the lowest priority.
        keep_answer: Whether the evidence keeps the answer, or its length alone.
    """

    script: str
    lane: Lane = field(default="quick", kw_only=True)
    keep_answer: bool = field(default=True, kw_only=True)
    values: tuple[tuple[str, str | tuple[str, ...]], ...] = field(default=(), kw_only=True)

    def about(self, **values: str | Sequence[str]) -> Command:
        """The same command with values that an earlier answer told."""
        frozen = ((name, value if isinstance(value, str) else tuple(value)) for name, value in values.items())
        return replace(self, values=(*self.values, *frozen))

    def template(self) -> Command:
        return replace(self, values=())

    def told(self, facts: Facts) -> str:
        """The shell text. Values not known yet (in a plan) stand as ``<name>``."""
        return in_shell(self.script, {**facts, **dict(self.values)})


def in_shell(template: str, values: Facts) -> str:
    """The template with each value quoted for the shell; one that is not there stands as ``<name>``."""
    return _ShellFormatter().vformat(template, (), values)


class _ShellFormatter(string.Formatter):
    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), _Unknown(str(key)))

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, _Unknown):
            return f"<{value.name}>"
        if isinstance(value, tuple):
            return " ".join(shlex.quote(one) for one in value)
        return shlex.quote(str(value))


@dataclass(frozen=True)
class _Unknown:
    name: str


@dataclass(frozen=True, kw_only=True)
class Containers(Question[tuple[Inspection, ...]]):
    """Every container of the server's Docker Engine, running or not, inspected."""

    needs: Right = rights.DOCKER
    seconds: float = 10.0

    def told(self, facts: Facts) -> str:
        return "GET /containers/json?all=1, then GET /containers/<id>/json of each"


@dataclass(frozen=True, kw_only=True)
class Images(Question[tuple[Inspection, ...]]):
    """Every tagged image of the server's Docker Engine: Id, RepoTags and Size."""

    needs: Right = rights.DOCKER
    seconds: float = 10.0

    def told(self, facts: Facts) -> str:
        return "GET /images/json"


@dataclass(frozen=True)
class HttpAnswer:
    """An answer over HTTP, whatever its status. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Http(Question[HttpAnswer]):
    """A GET sent to the target's address with its domain as name; redirects are not followed.

    The certificate is not judged here: that is section 7's question, and a service with a bad one can be well.

    Attributes:
        path: Template; ``{name}`` stands for a fact.
        keep_body: Whether the evidence keeps the answer's body, or its length alone.
        most: How many bytes the body may have; one that has more is no answer.
    """

    path: str
    scheme: Literal["https", "http"] = "https"
    keep_body: bool = field(default=True, kw_only=True)
    most: int = field(default=64 * 1024, kw_only=True)
    needs: Right = field(default=rights.NETWORK, kw_only=True)
    seconds: float = field(default=10.0, kw_only=True)

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def told(self, facts: Facts) -> str:
        return f"GET {self.scheme}://{_domain(facts)}{self.path_on(facts)}"

    def path_on(self, facts: Facts) -> str:
        """The path with the target's facts in it; one that the target does not name stands as ``<name>``."""
        return in_path(self.path, facts)


@dataclass(frozen=True)
class GitHub(Question[HttpAnswer]):
    """A GET sent to GitHub's API, where the target says that this is. It is asked from where the suite runs.

    Attributes:
        path: Template; ``{repository}`` stands for the target's.
    """

    path: str
    needs: Right = field(default=rights.GITHUB, kw_only=True)
    seconds: float = field(default=10.0, kw_only=True)

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def told(self, facts: Facts) -> str:
        return f"GET {in_path(self.path, facts)} of GitHub's API"


S3Read = Literal[
    "get_bucket_acl",
    "get_bucket_encryption",
    "get_bucket_policy_status",
    "get_bucket_versioning",
    "get_public_access_block",
    "head_object",
]
"""All that is ever asked of S3, by the names that botocore has for it."""


@dataclass(frozen=True)
class S3Answer:
    """An answer of S3, whatever its status.

    Attributes:
        code: S3's own word for what is wrong, such as ``NoSuchBucketPolicy``; None where nothing is.
        told: What it tells, by S3's own names.
    """

    status: int
    code: str | None
    told: Mapping[str, Any]


@dataclass(frozen=True)
class S3(Question[S3Answer]):
    """One read of the off-site bucket, or of one copy in it. It is asked from where the suite runs.

    Attributes:
        copy: The name of the backup whose copy it is about.
    """

    read: S3Read
    copy: str = field(default="", kw_only=True)
    needs: Right = field(default=rights.S3, kw_only=True)
    seconds: float = field(default=10.0, kw_only=True)

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def of(self, copy: str) -> S3:
        """The same of this backup's copy."""
        return replace(self, copy=copy)

    def template(self) -> S3:
        return replace(self, copy="")

    def told(self, facts: Facts) -> str:
        where = f"s3://{facts.get('offsite_bucket', '<bucket>')}"
        if self.read == "head_object":
            where += f"/{facts.get('offsite_prefix', '')}{self.copy or '<backup>'}"
        return f"{self.read.title().replace('_', '')} of {where}"


def in_path(template: str, facts: Facts) -> str:
    """The path with facts in it; one that is not there stands as ``<name>``."""
    return re.sub(r"\{(\w+)\}", lambda word: str(facts.get(word[1], f"<{word[1]}>")), template)


@dataclass(frozen=True)
class Handshake:
    """How a TLS handshake ended.

    Attributes:
        protocol: What was agreed on, such as ``TLSv1.3``; None where there was no agreement.
        certificate: The leaf in DER; None where none was shown.
        error: Why it failed, in OpenSSL's words; None where it did not.
    """

    protocol: str | None
    certificate: bytes | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Tls(Question[Handshake]):
    """A TLS handshake with the target's address, its domain as server name.

    Attributes:
        trusted: Verify the chain against the target's authorities; the name is not judged.
        at_most: Offer nothing newer than this.
    """

    trusted: bool = False
    at_most: Literal["TLSv1.1", "TLSv1.2"] | None = None
    needs: Right = rights.NETWORK
    seconds: float = 10.0

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def told(self, facts: Facts) -> str:
        chain = "verifying the chain" if self.trusted else "any certificate"
        offer = f", offering at most {self.at_most}" if self.at_most else ""
        return f"TLS handshake with {_domain(facts)}:https, {chain}{offer}"


@dataclass(frozen=True)
class Resolution:
    """What a resolver says of a name.

    Attributes:
        addresses: Those of the kind that the target's address is of.
        refusal: Why it names none, where it says so, such as ``no such name``.
    """

    addresses: tuple[str, ...]
    refusal: str | None


@dataclass(frozen=True, kw_only=True)
class Dns(Question[Resolution]):
    """The domain's addresses, asked of the one resolver that the target names."""

    needs: Right = rights.NETWORK
    seconds: float = 5.0

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def told(self, facts: Facts) -> str:
        return f"addresses of {_domain(facts)}, asked of the target's resolver"


@dataclass(frozen=True)
class Port(Question[Met]):
    """A connection to one of the target's ports, until what should be there answers in its own protocol.

    The ssh port is not tried a second time: how the line itself came to stand is the answer.
    """

    serves: Literal["http", "https", "ssh"]
    needs: Right = field(default=rights.NETWORK, kw_only=True)
    seconds: float = field(default=5.0, kw_only=True)

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def told(self, facts: Facts) -> str:
        if self.serves == "ssh":
            return f"what the SSH connection to {_domain(facts)} has met"
        return f"connection to {_domain(facts)}:{self.serves}, until it answers"
