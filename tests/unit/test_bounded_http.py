"""Whatever a server says and however slowly: an exchange ends at its time, and no more is read than was allowed."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import GitHubGet, HttpGet, PortProbe, S3Get, TlsHandshake
from runbook.model.port_state import PortState
from runbook.model.sizes import KIB, MIB
from runbook.model.target import EdgeSettings, OffsiteSettings, Target
from runbook.transport.bounded_http import Answer, Client, NoExchange, NotConnected, TooLong, WriteRefused, connect
from runbook.transport.docker_engine import DockerReader, EngineSilent, EngineUnreachable, Scrubber
from runbook.transport.http_tls import NoAnswer, Outside
from runbook.transport.s3 import OffSiteBucket
from tests.unit.hostile import DRIPS, OK, STREAM, Talk, dripping, saying, serving, streaming

LIMIT = 0.2
SOON = 1.5
"""A limit, and within what everything has to have ended that has it."""

BODY_DRIPS = DRIPS["a body that drips"]


def ask(port: int, *, seconds: float = LIMIT, most: int = 64 * KIB, method: str = "GET") -> Answer:
    client = Client()
    try:
        until = time.monotonic() + seconds
        return client.ask(f"http://127.0.0.1:{port}/a page", {}, until=until, most=most, method=method)
    finally:
        client.close()


def edge(port: int) -> Outside:
    """Asks a target whose every port is this one."""
    facts = EdgeSettings(https_port=port, http_port=port)
    return Outside(Target(name="x", environment="staging", address="127.0.0.1", domain="service.example", edge=facts))


@pytest.fixture(params=tuple(DRIPS.values()), ids=tuple(DRIPS))
def drip(request: pytest.FixtureRequest) -> Talk:
    talk: Talk = request.param
    return talk


# The exchange itself


def test_an_exchange_ends_at_its_time_wherever_it_has_come_to(drip: Talk) -> None:
    with serving(drip) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            ask(port)
        assert LIMIT <= time.monotonic() - began < SOON


def test_a_body_without_end_is_cut_where_it_is_too_long() -> None:
    with serving(STREAM) as port, pytest.raises(TooLong, match="the answer is longer than 64 KiB"):
        ask(port, seconds=10)
    with serving(STREAM) as port, pytest.raises(TooLong, match="the answer is longer than 1 MiB"):
        ask(port, seconds=10, most=MIB)


def test_headers_without_end_are_cut_too() -> None:
    with serving(streaming(OK, b"X-Another: header\r\n" * 100)) as port, pytest.raises(NoExchange):
        ask(port, seconds=10)


def test_what_is_short_and_in_time_comes_whole() -> None:
    with serving(saying(OK + b"A: 1\r\nA: 2\r\nContent-Length: 5\r\n\r\nwhole")) as port:
        answer = ask(port)
    assert answer == Answer(200, {"a": "1, 2", "content-length": "5"}, b"whole")


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", OK + b"Content-Length: 9\r\n\r\ncut"])
def test_what_is_no_whole_answer_is_none(said: bytes) -> None:
    with serving(saying(said)) as port, pytest.raises(NoExchange):
        ask(port)


def test_a_closed_port_and_an_address_that_is_none_are_no_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NotConnected):
        ask(port)
    with pytest.raises(NoExchange):
        Client().ask("nowhere", {}, until=time.monotonic() + LIMIT, most=KIB)


def test_only_a_question_is_sent() -> None:
    with serving(STREAM) as port, pytest.raises(WriteRefused):
        ask(port, method="DELETE")


def test_a_name_is_looked_up_within_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver keeps to times of its own."""
    over = threading.Event()

    def resolving(*_: object, **__: object) -> list[object]:
        over.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        connect("service.example", 80, began + LIMIT)
    assert time.monotonic() - began < SOON
    over.set()


# Each kind of question


def test_a_page_that_drips_is_undetermined_when_its_time_is_over() -> None:
    with serving(BODY_DRIPS) as port:
        began = time.monotonic()
        with pytest.raises(Undetermined, match=r"no complete HTTP answer within 0\.2 s"):
            edge(port).http(HttpGet("/", scheme="http", seconds=LIMIT))
        assert time.monotonic() - began < SOON


def test_a_page_without_end_is_undetermined_and_says_why() -> None:
    with serving(STREAM) as port, pytest.raises(Undetermined, match="the answer is longer than 64 KiB"):
        edge(port).http(HttpGet("/", scheme="http"))


def test_a_page_that_is_short_only_because_it_is_compressed_is_not_unpacked() -> None:
    packed = OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
    with serving(saying(packed)) as port, pytest.raises(Undetermined, match="compressed"):
        edge(port).http(HttpGet("/", scheme="http"))


@pytest.mark.parametrize(
    "https", [HttpGet("/", seconds=LIMIT), TlsHandshake(seconds=LIMIT), TlsHandshake(seconds=LIMIT, trusted=True)]
)
def test_a_handshake_that_drips_ends_at_its_time(https: HttpGet | TlsHandshake) -> None:
    hello_of_16_kib = dripping(b"\x16\x03\x03\x40\x00", b"\x02")
    with serving(hello_of_16_kib) as port:
        began = time.monotonic()
        with pytest.raises(Undetermined, match=r"within 0\.2 s") as told:
            edge(port).http(https) if isinstance(https, HttpGet) else edge(port).tls(https)
        assert time.monotonic() - began < SOON
    if isinstance(https, TlsHandshake):
        assert isinstance(told.value, NoAnswer)
        assert told.value.port_state is PortState.TIMED_OUT


def test_a_port_that_drips_a_handshake_is_silent() -> None:
    with serving(dripping(b"\x16\x03\x03\x40\x00", b"\x02")) as port:
        began = time.monotonic()
        assert edge(port).port(PortProbe("https", seconds=LIMIT)) is PortState.SILENT
        assert time.monotonic() - began < SOON


def test_githubs_api_has_one_deadline_and_one_size() -> None:
    def github(port: int) -> Outside:
        facts = {"name": "x", "environment": "staging", "address": "127.0.0.1", "domain": "service.example"}
        table = {"api": f"http://127.0.0.1:{port}", "repository": "psyfit/psyfit"}
        return Outside(Target.model_validate({**facts, "github": table}))

    with serving(BODY_DRIPS) as port:
        began = time.monotonic()
        with pytest.raises(Undetermined, match=r"no complete answer of GitHub's API within 0\.2 s"):
            github(port).github(GitHubGet("/", seconds=LIMIT))
        assert time.monotonic() - began < SOON
    with serving(STREAM) as port, pytest.raises(Undetermined, match="the answer is longer than 4 MiB"):
        github(port).github(GitHubGet("/"))


def bucket(port: int, monkeypatch: pytest.MonkeyPatch) -> OffSiteBucket:
    monkeypatch.setenv("ITS_KEY", "AKIDOFFSITE")
    monkeypatch.setenv("ITS_SECRET", "made-up")
    variables = {"key_variable": "ITS_KEY", "secret_variable": "ITS_SECRET"}
    keyed = OffsiteSettings(bucket="kept", endpoint=f"http://127.0.0.1:{port}", **variables)
    made = OffSiteBucket(keyed, lambda _: None)
    made.prepare()
    return made


def test_s3_has_one_deadline_over_all_its_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(BODY_DRIPS) as port:
        asked = bucket(port, monkeypatch)
        began = time.monotonic()
        with pytest.raises(Undetermined, match=r"no (complete )?answer of S3"):
            asked.ask(S3Get("get_bucket_versioning", seconds=LIMIT))
        assert time.monotonic() - began < LIMIT + 2 * SOON  # it waits for a moment before it tries again


def test_an_answer_of_s3_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(STREAM) as port, pytest.raises(Undetermined, match="the answer is longer than 4 MiB"):
        bucket(port, monkeypatch).ask(S3Get("get_bucket_versioning"))


def test_an_engine_that_drips_is_silent_when_the_time_is_over(tmp_path: Path) -> None:
    with serving(BODY_DRIPS, tmp_path / "docker.sock"):
        reader = DockerReader(tmp_path / "docker.sock", Scrubber(lambda _: None), seconds=LIMIT)
        began = time.monotonic()
        with pytest.raises(EngineSilent, match=r"no answer within 0\.2 s"):
            reader.containers()
        assert time.monotonic() - began < SOON


def test_an_engine_that_answers_without_end_is_cut(tmp_path: Path) -> None:
    with serving(STREAM, tmp_path / "docker.sock"), pytest.raises(TooLong, match="16 MiB"):
        DockerReader(tmp_path / "docker.sock", Scrubber(lambda _: None)).images()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"Id": 1}', b"7", b"null", b'[{"Name": "x"}]', b"\xff"])
def test_an_engine_that_answers_with_anything_is_not_trusted_to_have_none(body: bytes, tmp_path: Path) -> None:
    answer = OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    with serving(saying(answer), tmp_path / "docker.sock"), pytest.raises(EngineUnreachable):
        DockerReader(tmp_path / "docker.sock", Scrubber(lambda _: None)).containers()
