"""HTTP/1.1 over TLS, as little of it as a probe needs: one that is busy with itself tells nothing of the server.

Nothing is retried, no redirect is followed, and no resolver or proxy of this machine has a say.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import h11

from runbook.model.sizes import MIB, in_words
from runbook.model.target import Target
from runbook.transport.http_tls import USER_AGENT

READ_BYTES = 65_536
MOST_BYTES = 4 * MIB
"""How much of an answer's body is taken; nobody looks at it."""

LEAVE_SECONDS = 2.0


class NoConnection(Exception):
    """There was no TLS connection with the target's name."""


class Cut(Exception):
    """The connection ended before the answer did."""


class TooLong(Exception):
    """The answer did not end where it should have by its length at the latest."""

    def __init__(self) -> None:
        super().__init__(f"longer than {in_words(MOST_BYTES)}")


@dataclass(frozen=True)
class Answer:
    """An answer that came whole. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]


class Edge:
    """A target's edge, and the connections to it that are kept."""

    def __init__(self, target: Target) -> None:
        ca_file = target.edge.ca_file
        self._target = target
        self._context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        self._idle: deque[_Line] = deque()
        self._leaving: dict[asyncio.Task[None], _Line] = {}
        self._cookies: dict[bytes, bytes] = {}

    async def ask(self, method: str, path: str, body: bytes = b"", *, fresh: bool = False) -> Answer:
        """Send one request, on a connection that was kept or on a fresh one, which is not kept.

        Raises:
            NoConnection: There was none to be had.
            Cut: It ended before the answer did.
            TooLong: The answer is longer than anybody asked for.
        """
        line = self._kept() if not fresh else None
        if line is None:
            line = await self._open()
        try:
            answer = await line.ask(self._request(method, path, len(body)), body)
        except (OSError, h11.RemoteProtocolError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Cut(str(error)) from None
        finally:
            if fresh or not line.reusable:
                self._let_go(line)
            else:
                self._idle.append(line)
        self._remember(answer.headers.get("set-cookie", ""))
        return answer

    async def close(self) -> None:
        """Close what was kept, and wait until nothing is open; who does not take leave in time is cut."""
        while self._idle:
            self._let_go(self._idle.popleft())
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=LEAVE_SECONDS)
        for line in self._leaving.values():
            line.abort()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=LEAVE_SECONDS)

    def _let_go(self, line: _Line) -> None:
        leaving = asyncio.get_running_loop().create_task(line.close())
        self._leaving[leaving] = line
        leaving.add_done_callback(self._leaving.pop)

    def _kept(self) -> _Line | None:
        """The connection that has been idle for longest, so that all of them are in use."""
        while self._idle:
            line = self._idle.popleft()
            if line.alive:
                return line
            self._let_go(line)
        return None

    async def _open(self) -> _Line:
        target = self._target
        try:
            reader, writer = await asyncio.open_connection(
                target.address, target.edge.https_port, ssl=self._context, server_hostname=target.domain
            )
        except TimeoutError:
            raise
        except OSError as error:
            raise NoConnection(str(error)) from None
        return _Line(reader, writer)

    def _request(self, method: str, path: str, length: int) -> h11.Request:
        target = self._target
        headers = [(b"Host", target.domain.encode()), (b"User-Agent", USER_AGENT.encode()), (b"Accept", b"*/*")]
        if length:
            headers += [(b"Content-Type", b"application/json"), (b"Content-Length", str(length).encode())]
        if self._cookies:
            headers.append((b"Cookie", b"; ".join(b"%b=%b" % one for one in self._cookies.items())))
        return h11.Request(method=method, target=path, headers=headers)

    def _remember(self, set_cookie: str) -> None:
        """One visitor, not one for each request: a session costs the server something. It is sent back as it came."""
        name, equals, value = set_cookie.encode("latin-1").partition(b";")[0].partition(b"=")
        if equals:
            self._cookies[name.strip()] = value.strip()


class _Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(our_role=h11.CLIENT)

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent on it: the last one has ended well on both sides."""
        return self._http.our_state is h11.IDLE

    @property
    def alive(self) -> bool:
        """Whether the other side has left it open, as far as is known."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, request: h11.Request, body: bytes) -> Answer:
        events = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        response: h11.Response | None = None
        length = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(READ_BYTES))
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                length += len(event.data)
                if length > MOST_BYTES:
                    raise TooLong
            elif isinstance(event, h11.EndOfMessage):
                break
        assert response is not None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return Answer(
            response.status_code, {name.decode(): value.decode("latin-1") for name, value in response.headers}
        )

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        self._writer.transport.abort()
