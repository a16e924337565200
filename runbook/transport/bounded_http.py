"""HTTP within one deadline and one size: who drips, stalls or never ends is cut off, wherever in the answer that is.

A time limit of a socket, and so of every HTTP library, is one for each read; a server that sends a byte now and then is
waited for as long as it likes. Here each read has only what is left of the whole. Nothing is ever sent but a question,
no redirect is followed, and no proxy of this machine has a say.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpcore
import httpx

from runbook.model.outcome import Undetermined
from runbook.model.sizes import in_words
from runbook.process.daemon_threads import in_background

METHODS = ("GET", "HEAD")
AS_IT_STANDS = "%/:=&?~+!$,;'@()*[]"
"""What stays as it is in a path; whatever else no URL can hold is quoted."""

_until: ContextVar[float] = ContextVar("until")
"""When the exchange of this thread has to be over, by the monotonic clock."""


class WriteRefused(RuntimeError):
    """Somebody asked to change something. This is the suite's own fault."""


class NoExchange(Exception):
    """There was no whole answer, and why."""


class NotConnected(NoExchange):
    """There was no connection to ask over."""


class TooLong(Undetermined):
    """An answer was longer than it may be; what is beyond was not read."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the answer is longer than {in_words(most)}")


@dataclass(frozen=True)
class Answer:
    """An answer that came whole. ``headers`` have lower-case names, and those of one name are one."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is shown as such."""
        return self.body.decode(errors="replace")


def left_until(moment: float) -> float:
    """How many seconds are left until this moment of the monotonic clock.

    Raises:
        TimeoutError: None.
    """
    left = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left


def connect(host: str, port: int, until: float) -> socket.socket:
    """Connect to the first address of the host that takes it, all within the time; the socket has what is left of it.

    Raises:
        TimeoutError: It took longer.
        OSError: No address takes it, or there is none.
    """
    failed: OSError = ConnectionError("the name has no address")
    for address in _addresses(host, port, until):
        try:
            line = socket.create_connection((address, port), left_until(until))
        except OSError as error:
            failed = error
        else:
            line.settimeout(max(0.001, until - time.monotonic()))
            return line
    raise failed


class Client:
    """Asks over connections that are kept for the next question.

    Args:
        context: What TLS is spoken with; None for a plain socket.
        path: The Unix socket behind which everything is; None for the host that a URL names.
        at_once: How many connections there are at the most.
    """

    def __init__(self, context: ssl.SSLContext | None = None, path: Path | None = None, at_once: int = 24) -> None:
        self._transport = _Transport(context, path, at_once)

    def ask(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        until: float,
        most: int,
        method: str = "GET",
        name: str | None = None,
    ) -> Answer:
        """Ask once.

        Args:
            url: Where; what no URL can hold is quoted.
            until: When the whole answer has to be there, by the monotonic clock.
            most: How many bytes its body may have.
            name: The name by which TLS asks for the server, where the URL has a number.

        Raises:
            TimeoutError: The whole answer was not there in time.
            TooLong: Its body has more bytes.
            NoExchange: There was none.
            WriteRefused: The method is one that changes something.
        """
        if method not in METHODS:
            raise WriteRefused(f"a check tried {method} {url}; checks only read")
        extensions: dict[str, Any] = {"timeout": {"pool": left_until(until)}}
        if name is not None:
            extensions["sni_hostname"] = name
        token = _until.set(until)
        try:
            request = httpx.Request(method, _quoted(url), headers=dict(headers), extensions=extensions)
            with closing(self._transport.handle_request(request)) as told:
                return Answer(told.status_code, dict(told.headers), _body(told.iter_raw(), most))
        except httpx.TimeoutException:
            raise TimeoutError("no complete answer in time") from None
        except httpx.ConnectError as error:
            raise NotConnected(_words(error)) from None
        except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
            raise NoExchange(_words(error)) from None
        finally:
            _until.reset(token)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class _Transport(httpx.HTTPTransport):
    """httpx's own, over sockets that have the time of a whole exchange, and no proxy of this machine."""

    def __init__(self, context: ssl.SSLContext | None, path: Path | None, at_once: int) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            uds=str(path) if path else None,
            max_connections=at_once,
            network_backend=_Backend(),
        )


class _Backend(httpcore.NetworkBackend):
    """Sockets that have no more time than is left of the exchange they are used for."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = _addresses(host, port, _until.get())
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from None
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        failed: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return _Stream(self._plain.connect_tcp(address, port, _left(), local_address, socket_options))
            except httpcore.ConnectError as error:
                failed = error
        raise failed

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._plain.connect_unix_socket(path, _left(), socket_options))


class _Stream(httpcore.NetworkStream):
    """A stream whose every wait is at most what is left; OpenSSL keeps to it over a handshake as a whole."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left()))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left() -> float:
    try:
        return left_until(_until.get())
    except TimeoutError as error:
        raise httpcore.ReadTimeout(str(error)) from None


def _addresses(host: str, port: int, until: float) -> list[str]:
    """The host's addresses as numbers. The system's resolver keeps to no deadline, so it is not waited for itself."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = in_background(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        return [str(address[0]) for *_, address in found.result(left_until(until))]
    return [host]


def _body(parts: Iterable[bytes], most: int) -> bytes:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > most:
            raise TooLong(most)
    return bytes(body)


def _quoted(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        (parts.scheme, parts.netloc, quote(parts.path, AS_IT_STANDS), quote(parts.query, AS_IT_STANDS), "")
    )


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
