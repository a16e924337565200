"""The transport to the Docker Engine can only look, and lets no value of an environment out."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from runbook.docker_api import DockerReader, EngineUnreachable, Scrubber, WriteRefused

SECRET = "hunter2" * 2
CONTAINER = {"Id": "abc", "Name": "/psyfit-db", "Config": {"Env": [f"POSTGRES_PASSWORD={SECRET}", "TZ=Asia/Tokyo "]}}


class Engine(BaseHTTPRequestHandler):
    """A server on a Unix socket that speaks just enough of the Engine's protocol."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer: Any = {"ApiVersion": "1.41", "Version": "20.10.24", "MinAPIVersion": "1.12"}
        if "/containers/json" in self.path:
            answer = [{"Id": "abc"}, {"Id": "gone"}]
        elif "/containers/abc/json" in self.path:
            answer = CONTAINER
        elif "/containers/gone/json" in self.path:
            self.send_error(404)
            return
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "local"

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "docker.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Engine) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield path
        server.shutdown()


def test_a_container_comes_back_without_its_environments_values(socket_path: Path) -> None:
    learned: list[str] = []
    reader = DockerReader(socket_path, Scrubber(learned.append))
    (container,) = reader.containers()
    reader.close()
    password, zone = container["Config"]["Env"]
    assert (password["name"], password["length"], password["stray_white_space"]) == (
        "POSTGRES_PASSWORD",
        len(SECRET),
        False,
    )
    assert (zone["name"], zone["stray_white_space"]) == ("TZ", True)
    assert SECRET not in json.dumps(container)
    assert learned == [SECRET]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "head"])
def test_every_method_but_get_is_refused(socket_path: Path, method: str) -> None:
    reader = DockerReader(socket_path, Scrubber(lambda _: None))
    with pytest.raises(WriteRefused, match="checks only look"):
        getattr(reader._client, method)("http+docker://localhost/v1.41/containers/abc/stop")
    reader.close()


def test_the_sdks_own_way_to_stop_a_container_is_refused(socket_path: Path) -> None:
    reader = DockerReader(socket_path, Scrubber(lambda _: None))
    with pytest.raises(WriteRefused):
        reader._client.stop("abc")
    reader.close()


def test_no_engine_behind_the_socket_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable):
        DockerReader(tmp_path / "none.sock", Scrubber(lambda _: None))


def test_equal_values_have_equal_fingerprints_within_one_run_only() -> None:
    one, other = Scrubber(lambda _: None), Scrubber(lambda _: None)

    def fingerprint(scrubber: Scrubber, value: str) -> object:
        return scrubber.scrub({"Config": {"Env": [f"A_KEY={value}"]}})["Config"]["Env"][0]["fingerprint"]

    assert fingerprint(one, "same") == fingerprint(one, "same") != fingerprint(one, "else")
    assert fingerprint(one, "same") != fingerprint(other, "same")
