"""A probe sends by the clock, counts from when a request was due, and calls nothing lost or served that was not."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from drills.rollback import http_client
from drills.rollback.probe import Probe, streams_of
from drills.rollback.samples import Sample, Stream, changeover_ms, summary, timeline
from runbook.model.outcome import Undetermined
from runbook.model.target import EdgeSettings, Target
from runbook.model.target import ProbeSettings as Asked

DOMAIN = "psytech.jp"
PAGE = Stream("connections kept", "/page", 40.0)
SLOW = Stream("slow", "/slow", 0.5, slow=True)


def target(port: int = 443, ca_file: Path | None = None, page: str | None = "/page", **asked: str) -> Target:
    return Target(
        name="here",
        environment="lab",
        address="127.0.0.1",
        domain=DOMAIN,
        edge=EdgeSettings(https_port=port, ca_file=ca_file, database_page=page),
        probe=Asked.model_validate(asked),
    )


def sample(due: float, done: float, code: int | None = 200, *, stream: Stream = PAGE, release: str = "1.0.0") -> Sample:
    failure = None if code else "cut before its answer"
    return Sample(stream, due, due, done, code, failure, release if code else None)


# What is sent


def test_at_least_fifty_requests_a_second_are_sent_of_whatever_the_target_has() -> None:
    for here in (target(), target(post_path="/post"), target(post_path="/post", slow_page="/slow")):
        quick = [one for one in streams_of(here) if not one.slow]

        assert sum(one.per_second for one in quick) >= 50
        assert {one.fresh for one in quick} == {True, False}


def test_what_the_target_names_no_path_for_is_left_out() -> None:
    assert not any(one.posts or one.slow for one in streams_of(target()))


def test_without_a_page_that_reads_the_database_there_is_no_probe() -> None:
    with pytest.raises(Undetermined, match=r"edge\.database_page"):
        streams_of(target(page=None))


# How it is counted


def test_latency_is_counted_from_when_a_request_was_due() -> None:
    late = Sample(PAGE, due=1.0, sent=1.4, done=1.5, code=200)

    assert summary([late]).latencies_ms == pytest.approx((500, 500, 500, 500))
    assert summary([late]).lag_ms == pytest.approx(400)


@pytest.mark.parametrize(("code", "lost"), [(200, 0), (201, 0), (301, 1), (404, 1), (502, 1), (504, 1), (None, 1)])
def test_only_an_answer_of_success_is_not_lost(code: int | None, lost: int) -> None:
    assert summary([sample(0, 0.1, code)]).lost == lost


def test_what_was_not_sent_is_counted_apart() -> None:
    seen = summary([sample(0, 0.1), Sample(PAGE, 1.0, None, 1.0, failure="too many in progress")])

    assert (seen.sent, seen.lost, seen.unsent) == (1, 0, 1)


def test_codes_are_counted_apart() -> None:
    assert summary([sample(0, 1), sample(1, 2, 502), sample(2, 3, 504)]).ends == {"200": 1, "502": 1, "504": 1}


def test_the_longest_gap_is_between_two_answers_of_success_the_slow_ones_apart() -> None:
    seen = summary([sample(0, 0.1), sample(0.5, 0.5, None), sample(1, 1.1), sample(0, 0.6, stream=SLOW)])

    assert seen.longest_gap_ms == pytest.approx(1000)
    assert seen.resolution_ms == pytest.approx(25)


def test_a_probe_that_was_late_itself_and_only_waited_too_long_is_in_doubt() -> None:
    waited = Sample(PAGE, 1.0, 4.0, 14.0, failure="whatever words", timed_out=True)

    assert summary([waited]).doubtful
    assert not summary([waited, sample(2, 2.1, 502)]).doubtful
    assert not summary([Sample(PAGE, 1.0, 1.0, 11.0, failure="whatever words", timed_out=True)]).doubtful
    assert not summary([Sample(PAGE, 1.0, 4.0, 14.0, failure="no answer in time")]).doubtful, "words alone say nothing"


SAMPLES = st.builds(
    lambda due, took, code, stream: sample(due, due + took, code, stream=stream),
    st.floats(0, 600),
    st.floats(0, 30),
    st.none() | st.integers(100, 599),
    st.sampled_from([PAGE, SLOW]),
)


@given(st.lists(SAMPLES))
def test_every_request_is_counted_once(samples: list[Sample]) -> None:
    seen, drawn = summary(samples), timeline("Requests", samples)

    assert seen.sent == sum(seen.ends.values()) == len(samples)
    assert seen.lost == sum(not one.served for one in samples)
    assert sum(sum(one.counts) for one in drawn.series) == len(samples)
    assert len({len(one.counts) for one in drawn.series}) == 1
    if seen.latencies_ms is not None:
        assert list(seen.latencies_ms) == sorted(seen.latencies_ms)


def test_a_timeline_tells_which_release_answered_when() -> None:
    drawn = timeline("Requests", [sample(0, 0.1), sample(0.3, 0.4, release="1.1.0"), sample(0.3, 0.4, 502)])

    assert {one.name: one.counts for one in drawn.series} == {"1.0.0": (1, 0), "1.1.0": (0, 1), "lost": (0, 1)}
    assert [one.lost for one in drawn.series] == [False, False, True]


def test_both_releases_answer_from_the_first_of_one_to_the_last_of_the_other() -> None:
    samples = [sample(0, 1), sample(0, 2, release="2"), sample(0, 2.5), sample(0, 3, release="2"), sample(0, 9)]

    assert changeover_ms(samples, "1.0.0", "2", since=0, until=5) == pytest.approx(500)
    assert changeover_ms(samples, "1.0.0", "3", since=0, until=5) is None


# How it asks


@contextmanager
def edge(folder: Path, answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[int, Path]]:
    """An edge on this machine that ends TLS for the domain: its port, and the authority to trust."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            """A connection that the probe has closed is none."""

    pair, authority = folder / "pair.pem", folder / "ca.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(DOMAIN), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    authority.write_bytes(certificate)
    pair.write_bytes(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.server_address[1], authority
    finally:
        server.shutdown()
        server.server_close()


def say(handler: BaseHTTPRequestHandler, status: int, release: str = "1.0.0") -> None:
    handler.send_response(status)
    handler.send_header("X-App-Version", release)
    handler.send_header("Set-Cookie", "visitor=one; Path=/")
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"{}")


def probed(port: int, authority: Path, seconds: float, **asked: str) -> tuple[Sample, ...]:
    probe = Probe(target(port, authority, **asked))
    probe.start()
    assert probe.wait_until(lambda _: probe.clock() >= seconds, 10 * seconds), f"it has not run for {seconds} s"
    return probe.end()


def test_requests_leave_by_the_clock_and_name_their_release(tmp_path: Path) -> None:
    lines, visitors = set(), set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        lines.add(handler.client_address)
        visitors.add(handler.headers.get("Cookie"))
        say(handler, 200)

    with edge(tmp_path, answer) as (port, authority):
        samples = probed(port, authority, 1.5)

    seen = summary(samples)
    assert seen.sent >= 70
    assert seen.lost == seen.unsent == 0
    assert {one.release for one in samples} == {"1.0.0"}
    assert sum(one.stream.fresh for one in samples) <= len(lines) < len(samples)
    assert "visitor=one" in visitors


def test_a_server_that_stalls_holds_no_request_back_and_the_wait_is_seen(tmp_path: Path) -> None:
    arrived, enough = [], threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        arrived.append(handler.path)
        if len(arrived) >= 20:
            enough.set()
        assert enough.wait(10), f"20 requests have not arrived while none was answered: {len(arrived)}"
        say(handler, 200)

    with edge(tmp_path, answer) as (port, authority):
        probe = Probe(target(port, authority))
        probe.start()
        assert probe.wait_until(lambda since: len(since) >= 40, 20), "40 answers have not come"
        samples = probe.end()

    held_until = sorted(one.sent for one in samples if one.sent is not None)[19]
    held = [one for one in samples if one.due < held_until]
    assert len(held) >= 15, "those that were due while nothing was answered"
    assert all(one.done > held_until and one.latency == one.done - one.due for one in held)


def test_each_token_is_posted_once_and_no_more_when_told_so(tmp_path: Path) -> None:
    tokens: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "POST":
            tokens.append(json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))["token"])
        say(handler, 201 if handler.command == "POST" else 200)

    with edge(tmp_path, answer) as (port, authority):
        probe = Probe(target(port, authority, post_path="/post"))
        probe.start()
        assert probe.wait_until(lambda since: sum(one.stream.posts for one in since) >= 5, 10), (
            "5 answers to a POST have not come"
        )
        probe.post_no_more()
        posted = len(tokens)
        assert probe.wait_until(lambda since: len(since) >= 30, 10), "30 answers have not come after the last POST"
        samples = probe.end()

    assert len(tokens) == len(set(tokens)) == posted == sum(one.stream.posts for one in samples)
    assert all(token.startswith(probe.mark) for token in tokens)


def test_an_answer_that_is_cut_is_lost_and_never_asked_for_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        handler.close_connection = True

    with edge(tmp_path, answer) as (port, authority):
        samples = probed(port, authority, 0.5)

    assert {one.failure for one in samples} == {"cut before its answer"}
    assert len(asked) == len(samples)


def test_another_names_certificate_is_no_connection(tmp_path: Path) -> None:
    with edge(tmp_path, lambda handler: say(handler, 200)) as (port, authority):
        probe = Probe(target(port, authority).model_copy(update={"domain": "other.example"}))
        probe.start()
        assert probe.wait_until(lambda since: len(since) >= 5, 10), "5 attempts have not ended"
        samples = probe.end()

    assert {one.failure for one in samples} == {"no TLS connection"}


def test_a_closed_port_is_no_connection(tmp_path: Path) -> None:
    with edge(tmp_path, lambda handler: say(handler, 200)) as (port, authority):
        pass
    assert {one.failure for one in probed(port, authority, 0.3)} == {"no TLS connection"}


@pytest.mark.parametrize("cookie", ["visitor=caf\u00e9; Path=/", "\u00ff\u00fe=\u0080", "=", ";;;", "a=b c"])
def test_a_cookie_of_any_octets_is_sent_back_as_it_came_and_loses_no_request(tmp_path: Path, cookie: str) -> None:
    visitors = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        visitors.add(handler.headers.get("Cookie"))
        handler.send_response(200)
        handler.send_header("Set-Cookie", cookie)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with edge(tmp_path, answer) as (port, authority):
        seen = summary(probed(port, authority, 0.4))

    assert seen.sent >= 15
    assert (seen.lost, seen.unsent) == (0, 0)
    if cookie.startswith("visitor"):
        assert cookie.partition(";")[0] in visitors


def test_a_request_that_ends_in_a_way_that_nobody_foresaw_is_lost_and_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*_: object, **__: object) -> None:
        raise UnicodeEncodeError("ascii", "caf\u00e9", 3, 4, "ordinal not in range")

    monkeypatch.setattr(http_client.Edge, "ask", ask)
    with edge(tmp_path, lambda handler: say(handler, 200)) as (port, authority):
        seen = summary(probed(port, authority, 0.4))

    assert seen.sent == seen.lost >= 15
    assert seen.unsent == 0
    assert all(end.startswith("UnicodeEncodeError: ") for end in seen.ends)


def test_an_answer_without_end_is_cut_and_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "MOST_BYTES", 256 * 1024)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x" * 65536)

    with edge(tmp_path, answer) as (port, authority):
        probe = Probe(target(port, authority))
        probe.start()
        assert probe.wait_until(lambda since: len(since) > 0, 10)
        probe.end()

    assert "longer than 256 KiB" in summary(probe.samples()).ends


def test_a_probe_that_is_ended_as_soon_as_it_has_begun_sends_nothing_more(tmp_path: Path) -> None:
    with edge(tmp_path, lambda handler: say(handler, 200)) as (port, authority):
        for _ in range(20):
            probe = Probe(target(port, authority))
            probe.start()
            probe.end()
            assert not probe._thread.is_alive()


def test_a_probe_that_was_never_begun_has_nothing_to_end() -> None:
    assert Probe(target()).end() == ()
