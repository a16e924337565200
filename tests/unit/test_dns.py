"""One question to one resolver: what it says is read, or refused, and what is lost or truncated is asked for again."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook import dns
from runbook.outcome import Undetermined
from runbook.outside import Outside
from runbook.question import Dns, Resolution
from runbook.reachability import name_part
from runbook.target import Dns as AskedOf
from runbook.target import Target
from tests.resolver import Resolver, framed

NAME = "service.example"
ADDRESS = "192.0.2.1"
LEADS = {NAME: ADDRESS}
A, AAAA, CNAME, HESIOD = 1, 28, 5, 4
GOOD, TRUNCATED = 0x8180, 0x8380
FOUND = bytes([192, 0, 2, 1])
Said = Callable[[bytes], bytes]
"""What a resolver says to a question."""


def hanging_up(_: bytes) -> bytes:
    return b""


def saying_nothing(_: bytes) -> None:
    return None


class Says(Resolver):
    """Says this over UDP, and that over TCP, to whatever it is asked."""

    def __init__(self, udp: Callable[[bytes], bytes | None], tcp: Callable[[bytes], bytes | None] = hanging_up) -> None:
        super().__init__({})
        self._udp, self._tcp = udp, tcp

    def over_udp(self, question: bytes) -> bytes | None:
        return self._udp(question)

    def over_tcp(self, question: bytes) -> bytes | None:
        return self._tcp(question)


def record(kind: int, data: bytes, name: bytes = b"\xc0\x0c", of: int = 1) -> bytes:
    return name + struct.pack("!HHIH", kind, of, 60, len(data)) + data


def answer(*records: bytes, flags: int = GOOD, count: int | None = None) -> Said:
    """The answer to each question, with these records."""
    said = len(records) if count is None else count
    return lambda asked: asked[:2] + struct.pack("!5H", flags, 1, said, 0, 0) + asked[12:] + b"".join(records)


def resolved(resolver: Resolver, seconds: float = 2, version: int = 4) -> Resolution:
    with resolver:
        return dns.resolve(NAME, resolver.address, resolver.port, seconds, version=version)


def look(resolver: Resolver, seconds: float = 2) -> Resolution:
    """What the question of a look says of it."""
    asked = AskedOf(resolver=resolver.address, port=resolver.port)
    with resolver:
        return Outside(Target(name="x", environment="staging", address=ADDRESS, domain=NAME, dns=asked)).dns(
            Dns(seconds=seconds)
        )


def test_the_resolver_that_is_named_is_asked() -> None:
    resolver = Resolver(LEADS)
    assert resolved(resolver) == Resolution((ADDRESS,), None)
    assert resolver.asked == [NAME]


def test_an_address_of_version_6_is_asked_for_as_such() -> None:
    assert resolved(Resolver({NAME: "2001:db8::1"}), version=6) == Resolution(("2001:db8::1",), None)


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        (0x8181, "query refused"),
        (0x8182, "server failure"),
        (0x8183, "no such name"),
        (0x8184, "query refused"),
        (0x8185, "query refused"),
        (0x8189, "refusal 9"),
    ],
)
def test_a_refusal_is_an_answer(flags: int, refusal: str) -> None:
    assert resolved(Says(answer(flags=flags))) == Resolution((), refusal)


def test_a_name_without_an_address_of_this_kind_is_an_answer() -> None:
    assert resolved(Says(answer())) == Resolution((), None)
    assert resolved(Says(answer(record(AAAA, bytes(16)), record(A, FOUND, of=HESIOD)))) == Resolution((), None)


def test_a_lost_packet_is_sent_again() -> None:
    resolver = Resolver(LEADS, drop=1)
    assert resolved(resolver, seconds=1).addresses == (ADDRESS,)
    assert len(resolver.asked) == 2


def test_a_resolver_that_says_nothing_is_given_up_in_time() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        resolved(Says(saying_nothing), seconds=0.4)
    assert 0.3 < time.monotonic() - begun < 2


def test_a_port_that_nobody_listens_on_is_told_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        dns.resolve(NAME, "127.0.0.1", port, 10)
    assert time.monotonic() - begun < 2


def test_aliases_on_the_way_are_passed_over() -> None:
    alias = record(CNAME, b"\x05other\x07example\x00")
    led = record(A, FOUND, name=b"\x05other\x07example\x00")
    assert resolved(Says(answer(alias, led))).addresses == (ADDRESS,)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda _: b"no", id="too short"),
        pytest.param(lambda asked: bytes([asked[0] ^ 1]) + answer()(asked)[1:], id="to another question"),
        pytest.param(lambda asked: answer()(asked).replace(b"service", b"serving"), id="of another name"),
        pytest.param(answer(flags=0x0100), id="no answer"),
        pytest.param(answer(count=1), id="a record is missing"),
        pytest.param(answer(record(A, b"\1\2\3")), id="an address of another length"),
        pytest.param(answer(record(A, FOUND)[:-1]), id="cut off in a record"),
        pytest.param(answer(record(A, FOUND, name=b"\x3fcut")), id="cut off in a name"),
        pytest.param(answer(record(A, FOUND, name=b"\xc0\xff")), id="a pointer to nowhere"),
    ],
)
def test_what_is_no_answer_is_refused(said: Said) -> None:
    with pytest.raises(ValueError, match=r"."):
        resolved(Says(said))
    with pytest.raises(Undetermined, match=r"the answer of the resolver 127\.0\.0\.1 could not be read: "):
        look(Says(said))
    with pytest.raises(ValueError, match=r"."):
        resolved(Says(answer(flags=TRUNCATED), lambda asked: framed(said(asked))))


# What does not fit into a packet


def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    resolver = Resolver(LEADS, truncated=True)
    assert resolved(resolver) == Resolution((ADDRESS,), None)
    assert resolver.asked == [NAME, NAME]
    assert resolver.asked_over_tcp == [NAME]


def test_what_did_fit_into_a_truncated_answer_is_not_taken_for_all() -> None:
    other = record(A, bytes([192, 0, 2, 9]))
    whole = answer(other, record(A, FOUND))
    seen = resolved(Says(answer(other, flags=TRUNCATED), lambda asked: framed(whole(asked))))
    assert seen.addresses == ("192.0.2.9", ADDRESS)


def test_one_that_was_cut_off_in_the_middle_of_a_record_is_asked_for_over_tcp_too() -> None:
    cut = answer(record(A, FOUND)[:-2], flags=TRUNCATED)
    assert resolved(Says(cut, lambda asked: framed(answer(record(A, FOUND))(asked)))).addresses == (ADDRESS,)


def test_a_refusal_over_tcp_is_the_answer() -> None:
    assert resolved(Resolver({}, truncated=True)) == Resolution((), "no such name")


@pytest.mark.parametrize(
    ("tcp", "why"),
    [
        (saying_nothing, "over TCP it did not come whole in time"),
        (hanging_up, "over TCP it is cut off"),
        (lambda asked: framed(asked)[:-3], "over TCP it is cut off"),
        (lambda asked: framed(answer(flags=TRUNCATED)(asked)), "it is truncated, over UDP and over TCP"),
    ],
    ids=["silent", "hung up", "cut off", "truncated as well"],
)
def test_a_truncated_answer_that_nothing_completes_is_undetermined(
    tcp: Callable[[bytes], bytes | None], why: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(Undetermined, match=why) as told:
        look(Says(answer(flags=TRUNCATED), tcp), seconds=0.5)
    assert time.monotonic() - begun < 2
    assert name_part(ADDRESS, None, str(told.value)).shown == "DNS without answer"


def test_so_is_one_of_a_resolver_that_does_not_listen_over_tcp() -> None:
    with pytest.raises(Undetermined, match="over UDP it is truncated, and over TCP there is none: Connection refused"):
        look(Resolver(LEADS, truncated=True, tcp=False))


# Foreign input


@given(message=st.binary(max_size=120))
def test_foreign_bytes_are_read_or_refused(message: bytes) -> None:
    said: Said = lambda asked: asked[:2] + message  # noqa: E731
    with contextlib.suppress(ValueError):
        assert isinstance(resolved(Says(said)), Resolution)
    with contextlib.suppress(ValueError):
        assert isinstance(resolved(Says(answer(flags=TRUNCATED), lambda asked: framed(said(asked)))), Resolution)


@given(tail=st.binary(max_size=80), count=st.integers(0, 5), flags=st.integers(0x8000, 0xFFFF))
def test_foreign_records_are_read_or_refused(tail: bytes, count: int, flags: int) -> None:
    said = answer(tail, count=count, flags=flags)
    with contextlib.suppress(ValueError):
        assert isinstance(resolved(Says(said, lambda asked: framed(said(asked)))), Resolution)


@given(name=st.text(max_size=80))
def test_any_name_is_asked_for_or_refused(name: str) -> None:
    with Says(answer()) as resolver, contextlib.suppress(ValueError):
        assert dns.resolve(name, resolver.address, resolver.port, 2) == Resolution((), None)
