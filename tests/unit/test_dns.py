"""One question to one resolver: what it says is read, or refused, and a lost packet is asked for once more."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.outside_questions import Resolution
from runbook.transport import dns
from tests.resolver import Resolver, name_in

QUESTION = dns.query_for("service.example", 7, dns.A)


def answer(*records: bytes, flags: int = 0x8180, number: int = 7, count: int | None = None) -> bytes:
    """An answer to the question, with these records."""
    head = struct.pack("!6H", number, flags, 1, len(records) if count is None else count, 0, 0)
    return head + QUESTION[12:] + b"".join(records)


def record(kind: int, data: bytes, name: bytes = b"\xc0\x0c") -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def test_the_resolver_that_is_named_is_asked() -> None:
    with Resolver({"service.example": "192.0.2.1"}) as resolver:
        assert dns.resolve("service.example", resolver.address, resolver.port, 2) == Resolution(("192.0.2.1",), None)
    assert resolver.asked == ["service.example"]


def test_an_address_of_version_6_is_asked_for_as_such() -> None:
    with Resolver({"service.example": "2001:db8::1"}) as resolver:
        told = dns.resolve("service.example", resolver.address, resolver.port, 2, version=6)
    assert told == Resolution(("2001:db8::1",), None)


def test_a_name_that_does_not_exist_is_an_answer() -> None:
    with Resolver({}) as resolver:
        told = dns.resolve("service.example", resolver.address, resolver.port, 2)
    assert told == Resolution((), "no such name")


def test_a_lost_packet_is_sent_again() -> None:
    with Resolver({"service.example": "192.0.2.1"}, drop=1) as resolver:
        assert dns.resolve("service.example", resolver.address, resolver.port, 1).addresses == ("192.0.2.1",)
    assert len(resolver.asked) == 2


def test_a_resolver_that_says_nothing_is_given_up_in_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            dns.resolve("service.example", "127.0.0.1", silent.getsockname()[1], 0.4)
    assert 0.3 < time.monotonic() - begun < 2


def test_aliases_on_the_way_are_passed_over() -> None:
    alias = record(5, b"\x05other\x07example\x00")
    assert dns.read_answer(answer(alias, record(dns.A, bytes([192, 0, 2, 1]))), 7, dns.A).addresses == ("192.0.2.1",)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        answer(number=8),
        answer(flags=0x0100),
        answer(count=1),
        answer(record(dns.A, b"\1\2\3")),
        answer(record(dns.A, b"\1\2\3\4")[:-1]),
        answer(record(dns.A, b"\1\2\3\4", name=b"\x3fcut")),
    ],
)
def test_what_is_no_answer_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"answer|address"):
        dns.read_answer(message, 7, dns.A)


@given(message=st.binary(max_size=120))
def test_foreign_bytes_are_read_or_refused(message: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(dns.read_answer(message, 7, dns.A), Resolution)


@given(tail=st.binary(max_size=80), count=st.integers(0, 5))
def test_foreign_records_are_read_or_refused(tail: bytes, count: int) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(dns.read_answer(answer(tail, count=count), 7, dns.A), Resolution)


@given(name=st.text(max_size=80))
def test_any_name_is_asked_for_or_refused(name: str) -> None:
    with contextlib.suppress(ValueError):
        assert name_in(dns.query_for(name, 1, dns.A)) is not None
