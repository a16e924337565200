"""The off-site bucket, asked through S3's own interface from where the suite runs: it is read, and nothing else.

Whatever this machine's AWS configuration says has no part in it: bucket, endpoint, region and key are the target's.
"""

from __future__ import annotations

import configparser
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import httpcore

from runbook import __version__
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import S3Answer, S3Get, S3Read
from runbook.model.rights import S3 as RIGHT
from runbook.model.sizes import MIB
from runbook.model.target import OffsiteSettings
from runbook.transport.bounded_http import Client, NoExchange, NotConnected

PERMISSIONS: dict[S3Read, str] = {
    "get_bucket_acl": "s3:GetBucketAcl",
    "get_bucket_encryption": "s3:GetEncryptionConfiguration",
    "get_bucket_policy_status": "s3:GetBucketPolicyStatus",
    "get_bucket_versioning": "s3:GetBucketVersioning",
    "get_public_access_block": "s3:GetBucketPublicAccessBlock",
    "head_object": "s3:GetObject",
}
"""What S3 wants to be granted for each read."""

ATTEMPTS = 2
ATTEMPT_PART = 0.45
"""Which part of a question's time one attempt may take, so that another has its turn."""

AT_ONCE = 32
ANSWER_BYTES = 4 * MIB
REFUSALS = (401, 403)
NOT_KEPT = ("DisplayName", "EmailAddress", "Metadata", "ResponseMetadata")
"""What may name a person, or is whatever somebody wrote there."""


_asking: ContextVar[tuple[float, float]] = ContextVar("asking")
"""Of the question that this thread asks, how long it may take and when its whole answer has to be there."""


@dataclass(frozen=True)
class Key:
    """Whose requests they are. Only ``id`` may be told."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class OffSiteBucket:
    """Asks the bucket that a target names.

    boto3 signs what is asked and reads what is answered; sent it is by our own `Client`, whose answers have one
    deadline and one size, and which knows nothing of this machine's environment.

    Args:
        offsite: Where it is, and where its key is kept.
        learn: Is told what must not be written anywhere.
    """

    def __init__(self, offsite: OffsiteSettings, learn: Callable[[str], None]) -> None:
        self._offsite = offsite
        self._learn = learn
        self._lock = threading.Lock()
        self._made: Any = None
        self._line: Client | None = None

    def prepare(self) -> None:
        """Make what is needed to ask, before threads begin: that reads the environment, and makes loggers.

        It takes a tenth of a second, and much memory. What is missing for it is told to who asks.
        """
        with suppress(Undetermined):
            self._client()

    def ask(self, question: S3Get) -> S3Answer:
        """Read once.

        Raises:
            Undetermined: There is no key, S3 refuses it or gives no whole answer, or its answer is none of S3's.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        if question.read not in get_args(S3Read):
            raise ValueError(f"{question.read} is more than reading")
        wanted = {"Bucket": self._offsite.bucket}
        if question.read == "head_object":
            wanted |= {"Key": f"{self._offsite.prefix}{question.copy}", "ChecksumMode": "ENABLED"}
        client = self._client()
        token = _asking.set((question.seconds, time.monotonic() + question.seconds))
        try:
            told = getattr(client, question.read)(**wanted)
        except ClientError as error:
            return _wrong(error.response, question)
        except BotoCoreError as error:
            words = str(error).partition(': "')[0]  # the address of each object would make it a reason of its own
            raise Undetermined(f"no answer of S3 at {self._where}: {words}") from None
        except TimeoutError:
            raise Undetermined(f"no complete answer of S3 at {self._where} within {question.seconds:g} s") from None
        except (ResponseParserError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise Undetermined(f"the answer of S3 could not be read: {type(error).__name__}: {error}") from None
        finally:
            _asking.reset(token)
        return S3Answer(int(told["ResponseMetadata"]["HTTPStatusCode"]), None, _impersonal(told))

    def close(self) -> None:
        """Close the connections."""
        if self._line is not None:
            self._line.close()

    @property
    def _where(self) -> str:
        return self._offsite.endpoint or self._offsite.region

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._client_with(key_of(self._offsite))
            return self._made

    def _client_with(self, key: Key) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.session import Session

        for secret in filter(None, (key.secret, key.token)):
            self._learn(secret)
        nobodys = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
        session = boto3.Session(
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            aws_session_token=key.token,
            region_name=self._offsite.region,
            botocore_session=Session(session_vars=nobodys),
        )
        client = session.client(
            "s3",
            endpoint_url=self._offsite.endpoint,
            config=Config(
                user_agent_extra=f"psyfit-runbook/{__version__}",
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                ignore_configured_endpoint_urls=True,
                proxies={},
                s3={"addressing_style": "path" if self._offsite.endpoint else "virtual"},
            ),
        )
        self._line = Client(httpcore.default_ssl_context(), at_once=AT_ONCE)
        client.meta.events.register("before-send.s3", self._send)
        return client

    def _send(self, request: Any, **_: Any) -> Any:
        """Take the sending from botocore: one attempt, within what is left of the question's time.

        Raises:
            TimeoutError: Nothing is left.
            TooLong: The answer is too long.
        """
        from botocore.awsrequest import AWSResponse
        from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

        assert self._line is not None
        seconds, until = _asking.get()
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        attempt = time.monotonic() + ATTEMPT_PART * seconds
        try:
            answer = self._line.ask(
                request.url, headers, method=request.method, until=min(until, attempt), most=ANSWER_BYTES
            )
        except TimeoutError:
            if attempt < until:
                raise ReadTimeoutError(endpoint_url=request.url) from None
            raise
        except NotConnected as error:
            raise EndpointConnectionError(endpoint_url=request.url, error=error) from None
        except NoExchange as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from None
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))


@dataclass(frozen=True)
class _Raw:
    """A body as botocore reads it."""

    body: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def key_of(offsite: OffsiteSettings) -> Key:
    """The key that may read the bucket.

    Raises:
        Undetermined: The target does not say where it is kept, or it is not there.
    """
    if offsite.credentials is not None:
        return _key_in(offsite.credentials)
    if offsite.key_variable is None or offsite.secret_variable is None:
        ways = "offsite.credentials, or offsite.key_variable and offsite.secret_variable"
        raise Undetermined(f"the target names no key for its off-site bucket (keys {ways})", right=RIGHT)
    for variable in (offsite.key_variable, offsite.secret_variable):
        if not os.environ.get(variable):
            raise Undetermined(f"the environment variable {variable} is not set", right=RIGHT)
    return Key(os.environ[offsite.key_variable], os.environ[offsite.secret_variable])


def _key_in(path: Path) -> Key:
    """The key in a file of the AWS CLI's."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
        section = parser["default"]
        return Key(section["aws_access_key_id"], section["aws_secret_access_key"], section.get("aws_session_token"))
    except OSError as error:
        raise Undetermined(f"{path} cannot be read here: {error.strerror}", right=RIGHT) from None
    except (configparser.Error, UnicodeDecodeError, LookupError):  # whose own words may quote the file
        raise Undetermined(f"{path} holds no key in a section [default]", right=RIGHT) from None


def _impersonal(told: Any) -> Any:
    """What S3 tells, without what is not kept."""
    if isinstance(told, dict):
        return {name: _impersonal(value) for name, value in told.items() if name not in NOT_KEPT}
    return [_impersonal(one) for one in told] if isinstance(told, list) else told


def _wrong(response: dict[str, Any], question: S3Get) -> S3Answer:
    """What S3 says is wrong, where that tells something of the bucket.

    Raises:
        Undetermined: It tells nothing of it.
    """
    status, code = int(response["ResponseMetadata"]["HTTPStatusCode"]), str(response["Error"].get("Code", ""))
    said = f"{status} {code}" if code and code != str(status) else str(status)
    if status in REFUSALS:
        raise Undetermined(f"S3 answers {said} where {PERMISSIONS[question.read]} is needed", right=RIGHT)
    if not 400 <= status < 500:
        raise Undetermined(f"S3 answers {said}")
    return S3Answer(status, code, {})
