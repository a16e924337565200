"""Questions that are asked from where the suite runs: HTTP, TLS, DNS, ports, S3, GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from runbook.model import rights
from runbook.model.port_state import PortState
from runbook.model.question import Question
from runbook.model.record import Vantage
from runbook.model.rights import Right
from runbook.model.template import Facts, in_path


def _domain(facts: Facts) -> str:
    """The domain; where no target names it, ``<domain>``."""
    return str(facts.get("domain", "<domain>"))


@dataclass(frozen=True)
class HttpAnswer:
    """An answer over HTTP, whatever its status. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class HttpGet(Question[HttpAnswer]):
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

    def render(self, facts: Facts) -> str:
        return f"GET {self.scheme}://{_domain(facts)}{self.path_on(facts)}"

    def path_on(self, facts: Facts) -> str:
        """The path with the target's facts in it; one that the target does not name stands as ``<name>``."""
        return in_path(self.path, facts)


@dataclass(frozen=True)
class GitHubGet(Question[HttpAnswer]):
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

    def render(self, facts: Facts) -> str:
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
        fields: What it tells, by S3's own names.
    """

    status: int
    code: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class S3Get(Question[S3Answer]):
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

    def of(self, copy: str) -> S3Get:
        """The same of this backup's copy."""
        return replace(self, copy=copy)

    def template(self) -> S3Get:
        return replace(self, copy="")

    def render(self, facts: Facts) -> str:
        where = f"s3://{facts.get('offsite_bucket', '<bucket>')}"
        if self.read == "head_object":
            where += f"/{facts.get('offsite_prefix', '')}{self.copy or '<backup>'}"
        return f"{self.read.title().replace('_', '')} of {where}"


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
class TlsHandshake(Question[Handshake]):
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

    def render(self, facts: Facts) -> str:
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
class DnsQuery(Question[Resolution]):
    """The domain's addresses, asked of the one resolver that the target names."""

    needs: Right = rights.NETWORK
    seconds: float = 5.0

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def render(self, facts: Facts) -> str:
        return f"addresses of {_domain(facts)}, asked of the target's resolver"


@dataclass(frozen=True)
class PortProbe(Question[PortState]):
    """A connection to one of the target's ports, until what should be there answers in its own protocol.

    The ssh port is not tried a second time: how the line itself came to stand is the answer.
    """

    serves: Literal["http", "https", "ssh"]
    needs: Right = field(default=rights.NETWORK, kw_only=True)
    seconds: float = field(default=5.0, kw_only=True)

    @property
    def vantage(self) -> Vantage:
        return "outside"

    def render(self, facts: Facts) -> str:
        if self.serves == "ssh":
            return f"what the SSH connection to {_domain(facts)} has met"
        return f"connection to {_domain(facts)}:{self.serves}, until it answers"
