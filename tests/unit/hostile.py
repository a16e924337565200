"""Servers on this machine that talk as they like: slowly, for ever, or at any length."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Talk = Callable[[socket.socket, threading.Event], None]
"""What is said on one connection; the event is set when the server is to end."""

EVERY_SECONDS = 0.05
OK = b"HTTP/1.1 200 OK\r\n"
LONG = b"Content-Length: 100000000000\r\n\r\n"


@contextmanager
def serving(talk: Talk, path: Path | None = None) -> Iterator[int]:
    """A server that talks like this on each connection, on a port of 127.0.0.1 or on a Unix socket."""
    over = threading.Event()
    listening = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listening.bind(str(path) if path else ("127.0.0.1", 0))
    listening.listen(64)

    def one(line: socket.socket) -> None:
        with line, suppress(OSError):
            talk(line, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = listening.accept()
                threading.Thread(target=one, args=(line,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield 0 if path else int(listening.getsockname()[1])
    finally:
        over.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def dripping(before: bytes, drop: bytes) -> Talk:
    """Says the beginning, and then a drop every now and then, for ever."""

    def talk(line: socket.socket, over: threading.Event) -> None:
        line.recv(65536)
        line.sendall(before)
        while not over.wait(EVERY_SECONDS):
            line.sendall(drop)

    return talk


def streaming(before: bytes, part: bytes) -> Talk:
    """Says the beginning, and then this as fast as it is read, for ever."""

    def talk(line: socket.socket, over: threading.Event) -> None:
        line.recv(65536)
        line.sendall(before)
        while not over.is_set():
            line.sendall(part)

    return talk


def silent(line: socket.socket, over: threading.Event) -> None:
    """Takes what is said, and says nothing."""
    line.recv(65536)
    over.wait(60)


def saying(answer: bytes) -> Talk:
    """Says this to each question, and hangs up."""

    def talk(line: socket.socket, _: threading.Event) -> None:
        line.recv(65536)
        line.sendall(answer)

    return talk


DRIPS: dict[str, Talk] = {
    "silence": silent,
    "a body that drips": dripping(OK + LONG, b"x"),
    "a head that drips": dripping(OK, b"x"),
    "headers that never end": dripping(OK, b"X-Another: header\r\n"),
    "chunks that never end": dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "preliminary answers that never end": dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}
"""Answers of which each next byte comes in time, and the whole never."""

STREAM = streaming(OK + LONG, b"x" * 65536)
