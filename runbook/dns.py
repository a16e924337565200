"""One question to one resolver over UDP: which addresses a name has. No other resolver has a say in it.

The message is that of RFC 1035. What comes back is foreign input: it is read, or it is refused.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import time

from runbook.question import Resolution

TRIES = 2
LARGEST = 4096
RECURSION_DESIRED = 0x0100
IS_ANSWER = 0x8000
INTERNET = 1
A, AAAA = 1, 28
LENGTHS = {A: 4, AAAA: 16}
POINTER = 0xC0
REFUSALS = {1: "query refused", 2: "server failure", 3: "no such name", 4: "query refused", 5: "query refused"}


def resolve(name: str, resolver: str, port: int, seconds: float, *, version: int = 4) -> Resolution:
    """Ask for the addresses of a name, once more where the first try gets lost.

    Args:
        name: The name, without a search list.
        resolver: The resolver's address, as a number.
        port: Its UDP port.
        seconds: How long all of it may take.
        version: 4 asks for IPv4 addresses, 6 for those of version 6.

    Raises:
        TimeoutError: It did not answer.
        OSError: It could not be reached.
        ValueError: It answered with something else, or no name can be like this one.
    """
    number = secrets.randbelow(1 << 16)
    kind = AAAA if version == 6 else A
    query = query_for(name, number, kind)
    family = socket.AF_INET6 if ":" in resolver else socket.AF_INET
    deadline = time.monotonic() + seconds
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        line.connect((resolver, port))
        for tries_left in range(TRIES, 0, -1):
            line.settimeout(max(0.01, (deadline - time.monotonic()) / tries_left))
            line.send(query)
            try:
                return read_answer(line.recv(LARGEST), number, kind)
            except TimeoutError:
                continue
    raise TimeoutError("the resolver did not answer")


def query_for(name: str, number: int, kind: int) -> bytes:
    """The message that asks for a name's records of this kind.

    Raises:
        ValueError: No name can be like this.
    """
    labels = [label.encode("idna") for label in name.rstrip(".").split(".")]
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(question) > 255:
        raise ValueError("the name is too long")
    return struct.pack("!6H", number, RECURSION_DESIRED, 1, 0, 0, 0) + question + struct.pack("!2H", kind, INTERNET)


def read_answer(message: bytes, number: int, kind: int) -> Resolution:
    """Read an answer.

    Raises:
        ValueError: It is none, or not to this question.
    """
    if len(message) < 12:
        raise ValueError("the answer is too short")
    answered, flags, questions, answers = struct.unpack("!4H", message[:8])
    if answered != number or not flags & IS_ANSWER:
        raise ValueError("this is not an answer to the question")
    refusal = flags & 0x0F
    if refusal:
        return Resolution((), REFUSALS.get(refusal, f"refusal {refusal}"))
    at = 12
    for _ in range(questions):
        at = _after_name(message, at) + 4
    addresses = []
    for _ in range(answers):
        at = _after_name(message, at)
        if at + 10 > len(message):
            raise ValueError("the answer is cut off")
        record, of, _, length = struct.unpack("!HHIH", message[at : at + 10])
        data, at = message[at + 10 : at + 10 + length], at + 10 + length
        if len(data) != length:
            raise ValueError("the answer is cut off")
        if record == kind and of == INTERNET:
            if length != LENGTHS[kind]:
                raise ValueError("an address in it has another length")
            addresses.append(str(ipaddress.ip_address(data)))
    return Resolution(tuple(addresses), None)


def _after_name(message: bytes, at: int) -> int:
    """Where a name ends that begins here: at its empty label, or behind a pointer to the rest of it."""
    while at < len(message):
        length = message[at]
        if length & POINTER == POINTER:
            return at + 2
        if length == 0:
            return at + 1
        at += 1 + length
    raise ValueError("a name in the answer is cut off")
