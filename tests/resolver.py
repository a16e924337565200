"""A resolver on loopback that knows a few names, for whatever asks one."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Mapping
from types import TracebackType

NO_SUCH_NAME = 0x8183
ANSWER = 0x8180


class Resolver:
    """Answers A and AAAA questions over UDP.

    Args:
        addresses: The address that each name leads to; other names do not exist.
        drop: How many questions get lost before the first is answered.

    Attributes:
        asked: The names that it was asked for, in order, those that got lost as well.
    """

    def __init__(self, addresses: Mapping[str, str], *, drop: int = 0) -> None:
        self._addresses = addresses
        self._drop = drop
        self.asked: list[str] = []
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind(("127.0.0.1", 0))
        self.address, self.port = self._line.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Resolver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"", (self.address, self.port))
        self._thread.join(10)
        self._line.close()

    def _serve(self) -> None:
        while True:
            question, sender = self._line.recvfrom(512)
            if not question:
                return
            self.asked.append(name_in(question))
            if len(self.asked) > self._drop:
                self._line.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        address = self._addresses.get(name_in(question))
        if address is None:
            return question[:2] + struct.pack("!5H", NO_SUCH_NAME, 1, 0, 0, 0) + question[12:]
        data = ipaddress.ip_address(address).packed
        kind = 28 if len(data) == 16 else 1
        record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data  # the name, as a pointer to the question
        return question[:2] + struct.pack("!5H", ANSWER, 1, 1, 0, 0) + question[12:] + record


def name_in(question: bytes) -> str:
    """The name that a question asks for."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels)
