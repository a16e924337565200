"""One question to one resolver: which addresses a name has. No other resolver has a say in it.

It is asked over UDP, and over TCP where its answer over UDP is truncated: that one tells nothing of what was left out.
What comes back is foreign input: it is read, or it is refused.
"""

from __future__ import annotations

import ipaddress
import socket
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
from dns.message import Message, Truncated
from dns.rdataclass import IN
from dns.rdatatype import AAAA, A, RdataType

from runbook.question import Resolution

TRIES = 2
REFUSALS = {1: "query refused", 2: "server failure", 3: "no such name", 4: "query refused", 5: "query refused"}


def resolve(name: str, resolver: str, port: int, seconds: float, *, version: int = 4) -> Resolution:
    """Ask for the addresses of a name, once more where the first try gets lost.

    Args:
        name: The name, without a search list.
        resolver: The resolver's address, as a number.
        port: Its port, over UDP and TCP.
        seconds: How long all of it may take.
        version: 4 asks for IPv4 addresses, 6 for those of version 6.

    Raises:
        TimeoutError: It did not answer.
        OSError: It could not be reached.
        ValueError: It answered with something else or not whole, or no name can be like this one.
    """
    kind = AAAA if version == 6 else A
    until = time.monotonic() + seconds
    try:
        query = dns.message.make_query(name, kind)
        try:
            answer = _over_udp(query, resolver, port, until)
        except Truncated:
            answer = _over_tcp(query, resolver, port, until)
    except dns.exception.DNSException as error:
        raise ValueError(str(error).rstrip(".")) from None
    return _read(answer, kind)


def _over_udp(query: Message, resolver: str, port: int, until: float) -> Message:
    """The answer to one of `TRIES`. Their socket is connected, for one that is not is never told of a closed port.

    Raises:
        TimeoutError: There was none.
        Truncated: It does not fit.
    """
    with socket.socket(_family(resolver), socket.SOCK_DGRAM) as line:
        line.connect((resolver, port))
        line.setblocking(False)
        for tries_left in range(TRIES, 0, -1):
            seconds = max(0.01, (until - time.monotonic()) / tries_left)
            try:
                return dns.query.udp(
                    query, resolver, seconds, port, sock=line, ignore_trailing=True, raise_on_truncation=True
                )
            except dns.exception.Timeout:
                continue
    raise TimeoutError("the resolver did not answer")


def _over_tcp(query: Message, resolver: str, port: int, until: float) -> Message:
    """The whole answer, where the one over UDP was truncated.

    Raises:
        ValueError: There is none, and why.
    """
    try:
        answer = dns.query.tcp(query, resolver, max(0.01, until - time.monotonic()), port, ignore_trailing=True)
    except dns.exception.Timeout:
        raise ValueError("over UDP it is truncated, and over TCP it did not come whole in time") from None
    except EOFError:
        raise ValueError("over UDP it is truncated, and over TCP it is cut off") from None
    except OSError as error:
        raise ValueError(f"over UDP it is truncated, and over TCP there is none: {error.strerror or error}") from None
    if answer.flags & dns.flags.TC:
        raise ValueError("it is truncated, over UDP and over TCP")
    return answer


def _read(answer: Message, kind: RdataType) -> Resolution:
    """The addresses in a whole answer, aliases on the way passed over."""
    if refusal := answer.rcode():
        return Resolution((), REFUSALS.get(refusal, f"refusal {refusal:d}"))
    found = [
        record.address
        for records in answer.answer
        if (records.rdclass, records.rdtype) == (IN, kind)
        for record in records
    ]
    return Resolution(tuple(str(ipaddress.ip_address(address)) for address in found), None)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
