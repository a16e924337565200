"""The server's Docker Engine, to look at: a client that can send nothing but GET.

Of what the engine tells of a container or an image only what a check reads comes out of here: passwords stand among
arguments, in health checks and their logs, and in labels. Nor do values of environment variables: the transport
replaces each by a fingerprint under a key that is made anew for every run and forgotten with it (equal or not, length,
stray white space, how many different characters), and hands the value to the redactor, so that it cannot come through
another door either.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import docker
from docker.errors import DockerException
from docker.transport import UnixHTTPAdapter
from requests import PreparedRequest, Response
from requests.exceptions import RequestException, Timeout

from runbook.outcome import Undetermined
from runbook.question import Inspection

_SECRET_NAME = re.compile(
    r"KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|WEBHOOK|SIGNATURE|COOKIE|PRIVATE"
    r"|(?:^|_)(?:PASS|PWD|PW|PIN|OTP|AUTH|SALT|PEPPER|SEED|NONCE|HMAC|CERT|SIGNING|PING|HEARTBEAT)(?:_|\d*$)"
    r"|_(?:URL|URI|DSN)$",
    re.IGNORECASE,
)
"""Names of variables whose values are secret, by the words in them; short ones only as a word of their own."""
_PASSWORD_WORD = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))")

ANY = "*"
"""In `CONTAINER` and `IMAGE`, every member of a list or a table."""

CONTAINER = {
    "Id": True,
    "Name": True,
    "Created": True,
    "Image": True,
    "RestartCount": True,
    "ResolvConfPath": True,
    "LogPath": True,
    "State": {
        "Running": True,
        "Paused": True,
        "Restarting": True,
        "OOMKilled": True,
        "ExitCode": True,
        "StartedAt": True,
        "FinishedAt": True,
        "Pid": True,
        "Health": {"Status": True, "Log": {ANY: {"Start": True, "ExitCode": True}}},
    },
    "Config": {
        "Env": True,
        "Image": True,
        "ExposedPorts": True,
        "Labels": {"org.opencontainers.image.version": True, "org.opencontainers.image.revision": True},
    },
    "HostConfig": {
        "RestartPolicy": {"Name": True},
        "PortBindings": True,
        "LogConfig": {"Type": True, "Config": {"max-size": True, "max-file": True}},
    },
    "NetworkSettings": {"Networks": {ANY: {"IPAddress": True, "Aliases": True}}},
    "Mounts": {ANY: {"Type": True, "Name": True, "Source": True}},
}
"""What is let through of a container's inspection; its environment is scrubbed besides."""

IMAGE = {"Id": True, "RepoTags": True, "Size": True}
"""What is let through of an image."""


class WriteRefused(RuntimeError):
    """Somebody asked a reader to change something. This is the suite's own fault."""


class EngineUnreachable(Exception):
    """The Docker Engine could not be asked over its socket."""


class EngineSilent(Undetermined):
    """The Docker Engine takes what it is asked and gives no answer, by whatever way."""


class Scrubber:
    """Lets through what checks read, and of what an environment holds what may be known of it.

    Args:
        learn: Is told each value that has to stay on the server.
    """

    def __init__(self, learn: Callable[[str], None]) -> None:
        self._key = secrets.token_bytes(32)
        self._learn = learn

    def container(self, inspection: Any) -> Any:
        """`CONTAINER` of an inspection, each ``Config.Env`` entry as name, fingerprint, length, stray white space."""
        kept = _only(inspection, CONTAINER)
        config = kept.get("Config") if isinstance(kept, dict) else None
        if isinstance(config, dict) and "Env" in config:
            env = config["Env"]
            config["Env"] = [self._entry(str(entry)) for entry in env] if isinstance(env, list) else None
        return kept

    def image(self, inspection: Any) -> Any:
        """`IMAGE` of an inspection or of an entry in the list of images."""
        return _only(inspection, IMAGE)

    def _entry(self, entry: str) -> dict[str, object]:
        name, _, value = entry.partition("=")
        if _SECRET_NAME.search(name):
            self._learn(value)
        for password in _passwords_in(value):
            self._learn(password)
        digest = hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()[:16]
        return {
            "name": name,
            "fingerprint": digest,
            "length": len(value),
            "stray_white_space": value != value.strip(),
            "different_characters": len(set(value)),
        }


def _only(told: Any, wanted: Any) -> Any:
    """What of ``told`` stands in ``wanted``; where a table is wanted and none is told, what is told is dropped."""
    if wanted is True:
        return told
    if isinstance(told, list):
        return [_only(one, wanted[ANY]) for one in told] if ANY in wanted else None
    if not isinstance(told, dict):
        return None
    return {
        name: _only(value, wanted.get(name, wanted.get(ANY)))
        for name, value in told.items()
        if name in wanted or ANY in wanted
    }


def _passwords_in(value: str) -> Iterator[str]:
    """The password within a URL, as it is written and as it is meant, or within a connection string of PostgreSQL's."""
    try:
        password = urlsplit(value).password
    except ValueError:
        password = None
    if password:
        yield from (password, unquote(password))
    for quoted, bare in _PASSWORD_WORD.findall(value):
        yield quoted or bare


class _OnlyGet(UnixHTTPAdapter):  # type: ignore[misc]
    def __init__(self, address: str, seconds: float, scrubber: Scrubber) -> None:
        super().__init__(address, timeout=seconds, pool_connections=1, max_pool_size=8)
        self._scrubber = scrubber

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        if request.method != "GET":
            raise WriteRefused(f"a check tried {request.method} {request.path_url}; checks only look")
        response: Response = super().send(request, **options)
        if response.ok and request.path_url.partition("?")[0].endswith("/json"):
            scrubbed = self._scrubbed(request.path_url.partition("?")[0], json.loads(response.content))
            response._content = json.dumps(scrubbed).encode()
        return response

    def _scrubbed(self, path: str, told: Any) -> Any:
        if path.endswith("/containers/json"):
            return _only(told, {ANY: {"Id": True}})
        if path.endswith("/images/json"):
            return _only(told, {ANY: IMAGE})
        return self._scrubber.container(told) if "/containers/" in path else self._scrubber.image(told)


class DockerReader:
    """The Docker Engine behind a Unix socket, read only.

    Raises:
        EngineUnreachable: No answer over the socket.
        EngineSilent: It takes the question and gives no answer. So do both methods.
    """

    def __init__(self, path: Path, scrubber: Scrubber, seconds: float = 10) -> None:
        try:
            _touch(path, seconds)
            self._client = docker.APIClient(base_url=f"unix://{path}", version="auto", timeout=seconds)
        except (DockerException, RequestException, OSError) as error:
            raise _no_answer(error, seconds) from None
        self._seconds = seconds
        self._client._custom_adapter.close()
        self._client._custom_adapter = _OnlyGet(f"http+unix://{path}", seconds, scrubber)
        self._client.mount("http+docker://", self._client._custom_adapter)

    def containers(self) -> tuple[Inspection, ...]:
        """Every container, inspected; one that goes away meanwhile is left out.

        Raises:
            EngineUnreachable: No answer over the socket.
        """
        try:
            listed = self._client.containers(all=True)
            with ThreadPoolExecutor(max_workers=8) as pool:
                found = list(pool.map(self._inspect, (one["Id"] for one in listed)))
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise _no_answer(error, self._seconds) from None
        return tuple(one for one in found if one is not None)

    def images(self) -> tuple[Inspection, ...]:
        """Every image that has a tag: ``Id``, ``RepoTags``, ``Size``.

        Raises:
            EngineUnreachable: No answer over the socket.
        """
        try:
            return tuple(self._client.images())
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise _no_answer(error, self._seconds) from None

    def close(self) -> None:
        """Close the client's sockets."""
        self._client.close()

    def _inspect(self, container: str) -> Inspection | None:
        try:
            inspected: Inspection = self._client.inspect_container(container)
        except docker.errors.NotFound:
            return None
        return inspected


def _no_answer(error: Exception, seconds: float) -> EngineUnreachable | EngineSilent:
    if isinstance(error, Timeout) or isinstance(error.__cause__, Timeout):
        return EngineSilent(f"the Docker Engine gave no answer within {seconds:g} s")
    return EngineUnreachable(str(error))


def _touch(path: Path, seconds: float) -> None:
    """Connect once ourselves: where nobody listens, the SDK would leave its own socket open."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(str(path))
