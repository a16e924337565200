"""A relay on loopback that delays what it passes on, as a long line does: late, but not narrow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType

CHUNK = 1 << 16


class Relay:
    """Listens on an address for each of these ports and passes all on to the same port of another address.

    Args:
        listen: The loopback address to listen on.
        onward: The address to pass on to.
        ports: Ports to listen on, and where each leads.
        round_trip_seconds: What each question and its answer take longer.
    """

    def __init__(self, listen: str, onward: str, ports: Mapping[int, int], round_trip_seconds: float) -> None:
        self._listen, self._onward, self._ports = listen, onward, ports
        self._one_way = round_trip_seconds / 2
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []
        self._sinks: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Relay:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        for port, leads_to in self._ports.items():
            self._servers.append(await asyncio.start_server(partial(self._join, leads_to), self._listen, port))

    async def _cut(self) -> None:
        for server in self._servers:
            server.close()
        for sink in self._sinks:
            sink.transport.abort()
        passing = asyncio.all_tasks() - {asyncio.current_task()}
        for one in passing:
            one.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    async def _join(self, port: int, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self._sinks.add(near_out)
        await asyncio.sleep(2 * self._one_way)  # a TCP handshake takes a round trip
        far_in, far_out = await asyncio.open_connection(self._onward, port)
        self._sinks.add(far_out)
        with suppress(asyncio.CancelledError):  # cut; asyncio would print it
            await asyncio.gather(self._pass(near_in, far_out), self._pass(far_in, near_out))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while True:
            try:
                data = await source.read(CHUNK)
            except ConnectionError:
                data = b""
            self._loop.call_later(self._one_way, _deliver, sink, data)
            if not data:
                return


def _deliver(sink: asyncio.StreamWriter, data: bytes) -> None:
    if sink.is_closing():
        return
    if data:
        sink.write(data)
    else:
        sink.close()
