"""The server's Docker Engine, to look at: a client that can send nothing but GET.

Values of environment variables never come out of here: the transport replaces each by a fingerprint under a key that
is made anew for every run and forgotten with it (equal or not, length, stray white space), and hands the value to
the redactor, so that it cannot come through another door either.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.transport import UnixHTTPAdapter
from requests import PreparedRequest, Response
from requests.exceptions import RequestException, Timeout

from runbook.outcome import Undetermined
from runbook.question import Inspection

_SECRET_NAME = re.compile(r"KEY|SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|_URL$|_DSN$", re.IGNORECASE)


class WriteRefused(RuntimeError):
    """Somebody asked a reader to change something. This is the suite's own fault."""


class EngineUnreachable(Exception):
    """The Docker Engine could not be asked over its socket."""


class EngineSilent(Undetermined):
    """The Docker Engine takes what it is asked and gives no answer, by whatever way."""


class Scrubber:
    """Replaces what an environment holds by what may be known of it.

    Args:
        learn: Is told each value that has to stay on the server.
    """

    def __init__(self, learn: Callable[[str], None]) -> None:
        self._key = secrets.token_bytes(32)
        self._learn = learn

    def scrub(self, inspection: Any) -> Any:
        """The inspection with each ``Config.Env`` entry as name, fingerprint, length and stray white space."""
        config = inspection.get("Config") if isinstance(inspection, dict) else None
        if isinstance(config, dict) and isinstance(config.get("Env"), list):
            config["Env"] = [self._entry(entry) for entry in config["Env"]]
        return inspection

    def _entry(self, entry: str) -> dict[str, object]:
        name, _, value = entry.partition("=")
        if _SECRET_NAME.search(name):
            self._learn(value)
        digest = hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()[:16]
        return {
            "name": name,
            "fingerprint": digest,
            "length": len(value),
            "stray_white_space": value != value.strip(),
        }


class _OnlyGet(UnixHTTPAdapter):  # type: ignore[misc]
    def __init__(self, address: str, seconds: float, scrubber: Scrubber) -> None:
        super().__init__(address, timeout=seconds, pool_connections=1, max_pool_size=8)
        self._scrubber = scrubber

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        if request.method != "GET":
            raise WriteRefused(f"a check tried {request.method} {request.path_url}; checks only look")
        response: Response = super().send(request, **options)
        if response.ok and re.search(r"/containers/[^/]+/json$|/images/.+/json$", request.path_url.partition("?")[0]):
            scrubbed = self._scrubber.scrub(json.loads(response.content))
            response._content = json.dumps(scrubbed).encode()
        return response


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
        """Every image that has a tag: ``Id``, ``RepoTags``, ``Labels``, ``Size``.

        Raises:
            EngineUnreachable: No answer over the socket.
        """
        try:
            return tuple(self._client.images())
        except (DockerException, RequestException, OSError) as error:
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
