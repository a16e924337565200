"""The transport to the Docker Engine can only look, and lets no value of an environment out."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.transport.bounded_http import WriteRefused
from runbook.transport.docker_engine import DockerReader, EngineUnreachable, Scrubber

SECRET = "hunter2" * 2
ELSEWHERE = "swordfish-9"
"""A password that stands where checks do not look."""

CONTAINER = {
    "Id": "abc",
    "Name": "/psyfit-db",
    "Path": "redis-server",
    "Args": ["--requirepass", ELSEWHERE],
    "ResolvConfPath": "/var/lib/docker/containers/abc/resolv.conf",
    "State": {
        "Running": True,
        "Error": ELSEWHERE,
        "Health": {"Status": "healthy", "Log": [{"Output": f"redis-cli -a {ELSEWHERE}"}]},
    },
    "Config": {
        "Env": [f"POSTGRES_PASSWORD={SECRET}", "TZ=Asia/Tokyo "],
        "Cmd": ["redis-server", "--requirepass", ELSEWHERE],
        "Entrypoint": [ELSEWHERE],
        "Healthcheck": {"Test": ["CMD", "redis-cli", "-a", ELSEWHERE]},
        "Labels": {"org.opencontainers.image.version": "1.1.0", "traefik.basicauth": ELSEWHERE},
    },
    "HostConfig": {
        "RestartPolicy": {"Name": "always"},
        "LogConfig": {"Config": {"max-size": "50m", "splunk-token": ELSEWHERE}},
    },
    "Mounts": [{"Type": "bind", "Source": "/srv", "Mode": ELSEWHERE}],
    "NetworkSettings": {"Networks": {"kamal": {"IPAddress": "172.18.0.6", "DriverOpts": ELSEWHERE}}},
}
KEPT = {
    "Id": "abc",
    "Name": "/psyfit-db",
    "ResolvConfPath": "/var/lib/docker/containers/abc/resolv.conf",
    "State": {"Running": True, "Health": {"Status": "healthy", "Log": [{}]}},
    "Config": {"Labels": {"org.opencontainers.image.version": "1.1.0"}},
    "HostConfig": {"RestartPolicy": {"Name": "always"}, "LogConfig": {"Config": {"max-size": "50m"}}},
    "Mounts": [{"Type": "bind", "Source": "/srv"}],
    "NetworkSettings": {"Networks": {"kamal": {"IPAddress": "172.18.0.6"}}},
}
IMAGE = {"Id": "sha256:1", "RepoTags": ["psyfit:1"], "Size": 7, "Labels": {"maintainer": ELSEWHERE}}


class Engine(BaseHTTPRequestHandler):
    """A server on a Unix socket that speaks just enough of the Engine's protocol."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer: Any = {"ApiVersion": "1.41", "Version": "20.10.24", "MinAPIVersion": "1.12"}
        if "/containers/json" in self.path:
            answer = [{"Id": "abc", "Command": ELSEWHERE}, {"Id": "gone"}]
        elif "/images/json" in self.path:
            answer = [IMAGE]
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


def test_of_a_container_only_what_checks_read_comes_back(socket_path: Path) -> None:
    reader = DockerReader(socket_path, Scrubber(lambda _: None))
    (container,) = reader.containers()
    reader.close()
    del container["Config"]["Env"]
    assert container == KEPT


def test_of_an_image_only_what_checks_read_comes_back(socket_path: Path) -> None:
    reader = DockerReader(socket_path, Scrubber(lambda _: None))
    images = reader.images()
    reader.close()
    assert images == ({"Id": "sha256:1", "RepoTags": ["psyfit:1"], "Size": 7},)


def test_where_docker_itself_answers_the_same_is_let_through() -> None:
    scrubber = Scrubber(lambda _: None)
    assert ELSEWHERE not in json.dumps([scrubber.container(CONTAINER), scrubber.image(IMAGE)])


NAMES = [*(name for name in CONTAINER if name != "Name"), "Log"]
"""Names of tables, and of what is let through of none of them: a mount's own name is told."""

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(ELSEWHERE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


@given(part=st.sampled_from(["State", "Config", "HostConfig", "NetworkSettings", "Mounts"]), value=ANYTHING)
def test_whatever_stands_in_the_place_of_a_table_is_let_through_as_one_or_not_at_all(part: str, value: object) -> None:
    kept = Scrubber(lambda _: None).container({part: value})
    assert ELSEWHERE not in json.dumps(kept)


@pytest.mark.parametrize("env", [ELSEWHERE, {"PASSWORD": ELSEWHERE}, None])
def test_an_environment_that_is_no_list_is_not_let_through(env: object) -> None:
    assert Scrubber(lambda _: None).container({"Config": {"Env": env}}) == {"Config": {"Env": None}}


@pytest.mark.parametrize(
    ("entry", "passwords"),
    [
        ("DATABASE_URL=postgres://psyfit:s3same-open@db/x", {"s3same-open"}),
        ("CACHE=redis://:s3same%2Dopen@cache:6379/0", {"s3same%2Dopen", "s3same-open"}),
        ("REPLICA_DSN=host=db password=s3same-open user=x", {"s3same-open"}),
        ("REPLICA=host=db password = 's3same open'", {"s3same open"}),
        ("PAGE_URL=https://psyfit.example/a", set()),
        ("BROKEN_URL=http://[", set()),
    ],
)
def test_the_password_in_a_url_or_a_connection_string_is_learned_by_itself(entry: str, passwords: set[str]) -> None:
    learned: set[str] = set()
    Scrubber(learned.add).container({"Config": {"Env": [entry]}})
    assert learned - {entry.partition("=")[2]} == passwords


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *dict.fromkeys(
            [
                "SLACK_WEBHOOK",
                "GPG_PASSPHRASE",
                "PASSWORD_SALT",
                "PEPPER",
                "REDIS_AUTH",
                "ADMIN_PIN",
                "DB_PASS",
                "SMTP_PWD",
            ],
            True,
        ).items(),
        *dict.fromkeys(["CACHE_URI", "API_TOKEN_2", "DEVISE_PEPPER", "OTP_SEED"], True).items(),
        *dict.fromkeys(["SHIPPING_ZONE", "AUTHOR", "PINNED", "COMPASS", "RAILS_ENV", "SPINNER"], False).items(),
    ],
)
def test_whether_a_value_is_secret_is_told_by_the_words_in_its_name(name: str, secret: bool) -> None:
    learned: list[str] = []
    Scrubber(learned.append).container({"Config": {"Env": [f"{name}=s3same-open"]}})
    assert learned == (["s3same-open"] if secret else [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get"])
def test_every_method_that_may_change_something_is_refused(socket_path: Path, method: str) -> None:
    reader = DockerReader(socket_path, Scrubber(lambda _: None))
    with pytest.raises(WriteRefused, match="checks only read"):
        reader._client.ask(
            "http://docker/containers/abc/stop", {}, method=method, until=time.monotonic() + 1, most=1000
        )
    reader.close()


def test_no_engine_behind_the_socket_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable):
        DockerReader(tmp_path / "none.sock", Scrubber(lambda _: None)).containers()


def test_equal_values_have_equal_fingerprints_within_one_run_only() -> None:
    one, other = Scrubber(lambda _: None), Scrubber(lambda _: None)

    def fingerprint(scrubber: Scrubber, value: str) -> object:
        return scrubber.container({"Config": {"Env": [f"A_KEY={value}"]}})["Config"]["Env"][0]["fingerprint"]

    assert fingerprint(one, "same") == fingerprint(one, "same") != fingerprint(one, "else")
    assert fingerprint(one, "same") != fingerprint(other, "same")
