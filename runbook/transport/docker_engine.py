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
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from runbook.model.outcome import Undetermined
from runbook.model.question import Inspection
from runbook.model.sizes import MIB
from runbook.process.daemon_threads import Workers
from runbook.transport.bounded_http import Answer, Client, NoExchange

_SECRET_NAME = re.compile(
    r"KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|WEBHOOK|SIGNATURE|COOKIE|PRIVATE"
    r"|(?:^|_)(?:PASS|PWD|PW|PIN|OTP|AUTH|SALT|PEPPER|SEED|NONCE|HMAC|CERT|SIGNING|PING|HEARTBEAT)(?:_|\d*$)"
    r"|_(?:URL|URI|DSN)$",
    re.IGNORECASE,
)
"""Names of variables whose values are secret, by the words in them; short ones only as a word of their own."""
_PASSWORD_WORD = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))")

AT_ONCE = 8
ANSWER_BYTES = 16 * MIB
NO_SUCH_THING = 404

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
        "NanoCpus": True,
        "CpuQuota": True,
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
    """What of ``planned`` stands in ``wanted``; where a table is wanted and none is told, what is told is dropped."""
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


class DockerReader:
    """The Docker Engine behind a Unix socket, read only: it can send GET and nothing else.

    Args:
        path: The socket.
        scrubber: Lets through what may come out of here.
        seconds: How long all that one question needs may take.
    """

    def __init__(self, path: Path, scrubber: Scrubber, seconds: float = 10) -> None:
        self._client = Client(path=path, at_once=AT_ONCE)
        self._workers = Workers(AT_ONCE)
        self._scrubber = scrubber
        self._seconds = seconds

    def containers(self) -> tuple[Inspection, ...]:
        """Every container, inspected; one that goes away meanwhile is left out.

        Raises:
            EngineUnreachable: No answer over the socket.
            EngineSilent: It takes the question and gives no whole answer in time.
            Undetermined: What it answers is too long.
        """
        until = time.monotonic() + self._seconds
        listed = self._told("/containers/json?all=1", until)
        asked = [self._workers.do(partial(self._inspected, one, until)) for one in _ids_in(listed)]
        found = [one.result() for one in asked]
        return tuple(one for one in found if one is not None)

    def images(self) -> tuple[Inspection, ...]:
        """Every image that has a tag: ``Id``, ``RepoTags``, ``Size``.

        Raises:
            EngineUnreachable: No answer over the socket.
            EngineSilent: It takes the question and gives no whole answer in time.
            Undetermined: What it answers is too long.
        """
        listed = self._told("/images/json", time.monotonic() + self._seconds)
        if not isinstance(listed, list):
            raise EngineUnreachable("the Docker Engine names no images")
        return tuple(self._scrubber.image(one) for one in listed)

    def close(self) -> None:
        """Close the client's sockets."""
        self._client.close()

    def _inspected(self, container: str, until: float) -> Inspection | None:
        told = self._told(f"/containers/{quote(container, safe='')}/json", until)
        scrubbed: Inspection | None = self._scrubber.container(told)
        return scrubbed

    def _told(self, path: str, until: float) -> Any:
        """What the engine tells; None where there is no such thing."""
        try:
            answer = self._client.ask(f"http://docker{path}", {"Host": "docker"}, until=until, most=ANSWER_BYTES)
        except TimeoutError:
            raise EngineSilent(f"the Docker Engine gave no answer within {self._seconds:g} s") from None
        except NoExchange as error:
            raise EngineUnreachable(str(error)) from None
        return _json_of(answer) if answer.status != NO_SUCH_THING else None


def _ids_in(listed: Any) -> Iterator[str]:
    try:
        yield from [str(one["Id"]) for one in listed]
    except (LookupError, TypeError):
        raise EngineUnreachable("the Docker Engine names no containers") from None


def _json_of(answer: Answer) -> Any:
    if answer.status != 200:
        raise EngineUnreachable(f"the Docker Engine answers with status {answer.status}")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise EngineUnreachable("the Docker Engine answers with something that is not JSON") from None
