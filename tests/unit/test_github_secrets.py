"""GitHub's API as a loopback server speaks it, and what is told of its answers."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets.github_secrets import OF_ORGANIZATION, OF_REPOSITORY, actions_secrets, read_names
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import HttpAnswer
from runbook.model.target import Target
from runbook.model.target_file import TargetError, validated
from runbook.transport.http_tls import Outside

SHOWN = "ghp_0123456789"
VARIABLE = "ACCESS_TO_GITHUB"
NOT_SET = "NO_SUCH_VARIABLE"
PATH = "/api/v3/repos/psyfit/psyfit/actions/secrets?per_page=100"


class Api(BaseHTTPRequestHandler):
    """Lists two secrets to who shows the token."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == f"Bearer {SHOWN}"
        body = json.dumps({"total_count": 2, "secrets": [{"name": "SSH_PORT"}, {"name": "SERVER_HOST"}]}).encode()
        self.send_response(401 if not allowed else 200 if self.path == PATH else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    """The address of a server that speaks the API."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/v3"
        server.shutdown()


def target(api: str, **github: str) -> Target:
    """A target that names a repository there."""
    table = {"api": api, "repository": "psyfit/psyfit", **github}
    facts = {"name": "x", "environment": "staging", "address": "127.0.0.1", "domain": "service.example"}
    return validated({**facts, "github": table}, Path("x.toml"))


class Asked:
    """A look that asks GitHub alone."""

    def __init__(self, one: Target) -> None:
        self.target = one

    def ask(self, *questions: Any) -> list[HttpAnswer]:
        """Every answer."""
        return [Outside(self.target).github(question) for question in questions]


def names(one: Target) -> frozenset[str] | None:
    """What the check tells of it."""
    return actions_secrets(Asked(one))  # type: ignore[arg-type]


def test_the_names_are_listed_to_who_has_the_token(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SHOWN)
    assert names(target(api, token_variable=VARIABLE)) == frozenset({"SSH_PORT", "SERVER_HOST"})


def test_a_token_that_is_not_there_is_a_right_that_is_missing(api: str) -> None:
    with pytest.raises(Undetermined, match="NO_SUCH_VARIABLE is not set") as told:
        names(target(api, token_variable=NOT_SET))
    assert told.value.right is rights.GITHUB


def test_a_refusal_is_a_right_that_is_missing(api: str) -> None:
    with pytest.raises(Undetermined, match="answers 401") as told:
        names(target(api))
    assert told.value.right is rights.GITHUB


def test_a_repository_that_is_not_shown_is_not_one_without_secrets(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SHOWN)
    with pytest.raises(Undetermined, match="answers 404"):
        names(target(api, repository="psyfit/other", token_variable=VARIABLE))


def test_nobody_answering_is_undetermined() -> None:
    with pytest.raises(Undetermined, match="no answer of GitHub's API"):
        names(target("http://127.0.0.1:9"))


def test_without_a_repository_nobody_is_asked() -> None:
    facts = {"name": "x", "environment": "staging", "address": "127.0.0.1", "domain": "service.example"}
    assert names(validated(facts, Path("x.toml"))) is None


@pytest.mark.parametrize("repository", ["psyfit", "psyfit/psyfit/x", "psyfit/../x", "psy fit/x"])
def test_a_repository_is_named_as_github_names_it(api: str, repository: str) -> None:
    with pytest.raises(TargetError, match=r"github\.repository"):
        target(api, repository=repository)


@pytest.mark.parametrize(
    "body",
    ['{"total_count": 3, "secrets": [{"name": "A"}]}', "[]", "{}", '{"total_count": 1, "secrets": [1]}', "x"],
)
def test_an_answer_of_another_form_is_refused(body: str) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        read_names(200, body)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["total_count", "secrets", "name"]), one),
        max_leaves=8,
    )
)
def test_a_foreign_answer_is_read_or_refused(foreign: object) -> None:
    with contextlib.suppress(ValueError, LookupError, TypeError):
        read_names(200, json.dumps(foreign))


def test_both_lists_are_asked_for() -> None:
    assert {OF_REPOSITORY.needs, OF_ORGANIZATION.needs} == {rights.GITHUB}
