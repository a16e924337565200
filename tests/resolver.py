"""A resolver on loopback that knows a few names, for whatever asks one."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType

NO_SUCH_NAME = 0x8183
ANSWER = 0x8180
TRUNCATED = 0x0200


class Resolver:
    """Answers A and AAAA questions over UDP, and over TCP on the same port.

    Args:
        addresses: The address that each name leads to; other names do not exist.
        drop: How many questions get lost before the first is answered.
        truncated: Whether an answer over UDP has no room for a record, and says so.
        tcp: Whether it listens over TCP as well.

    Attributes:
        asked: The names that it was asked for, in order, those that got lost as well.
        asked_over_tcp: Those of them that came over TCP.
    """

    def __init__(
        self, addresses: Mapping[str, str], *, drop: int = 0, truncated: bool = False, tcp: bool = True
    ) -> None:
        self._addresses = addresses
        self._drop = drop
        self._truncated = truncated
        self.asked: list[str] = []
        self.asked_over_tcp: list[str] = []
        self._over = threading.Event()
        self._line, self._listening = _lines(tcp)
        self.address, self.port = self._line.getsockname()
        serving = (self._serve, self._serve_tcp) if tcp else (self._serve,)
        self._threads = [threading.Thread(target=one, daemon=True) for one in serving]

    def __enter__(self) -> Resolver:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"", (self.address, self.port))
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._line.close()
        self._listening.close()

    def over_udp(self, question: bytes) -> bytes | None:
        """What is sent back; None where nothing is."""
        if len(self.asked) <= self._drop:
            return None
        return self._nothing(question, ANSWER | TRUNCATED) if self._truncated else self.answer(question)

    def over_tcp(self, question: bytes) -> bytes | None:
        """What is sent back, with its length before it, and then hung up; None where nothing is."""
        return framed(self.answer(question))

    def answer(self, question: bytes) -> bytes:
        """The whole answer."""
        address = self._addresses.get(name_in(question))
        if address is None:
            return self._nothing(question, NO_SUCH_NAME)
        data = ipaddress.ip_address(address).packed
        kind = 28 if len(data) == 16 else 1
        record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data  # the name, as a pointer to the question
        return question[:2] + struct.pack("!5H", ANSWER, 1, 1, 0, 0) + question[12:] + record

    def _nothing(self, question: bytes, flags: int) -> bytes:
        return question[:2] + struct.pack("!5H", flags, 1, 0, 0, 0) + question[12:]

    def _serve(self) -> None:
        while True:
            question, sender = self._line.recvfrom(512)
            if self._over.is_set():
                return
            self.asked.append(name_in(question))
            said = self.over_udp(question)
            if said is not None:
                self._line.sendto(said, sender)

    def _serve_tcp(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                with line, suppress(OSError):
                    question = line.recv(512)[2:]
                    self.asked.append(name_in(question))
                    self.asked_over_tcp.append(name_in(question))
                    said = self.over_tcp(question)
                    if said is None:
                        self._over.wait(60)
                    else:
                        line.sendall(said)


def name_in(question: bytes) -> str:
    """The name that a question asks for."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode(errors="replace"))
        at += 1 + question[at]
    return ".".join(labels)


def framed(message: bytes) -> bytes:
    """A message as it is sent over TCP."""
    return struct.pack("!H", len(message)) + message


def _lines(tcp: bool) -> tuple[socket.socket, socket.socket]:
    """Sockets for UDP and TCP on the same port; without TCP the second one listens to nobody."""
    while True:
        with ExitStack() as begun:
            line = begun.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            listening = begun.enter_context(socket.socket())
            line.bind(("127.0.0.1", 0))
            with suppress(OSError):  # somebody else has that port over TCP
                listening.bind(line.getsockname())
                if tcp:
                    listening.listen()
                begun.pop_all()
                return line, listening
