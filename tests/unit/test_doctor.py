"""``runbook doctor`` tries every right that docs/security.md names, as far as the target has an object for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import doctor
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import GitHubGet, HttpAnswer
from runbook.model.question import Command, Output, Question
from runbook.model.rights import Right
from runbook.model.target import Target
from runbook.model.target_file import validated
from runbook.observation.reply import Reply

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
FACTS = {"name": "x", "environment": "lab", "address": "192.0.2.1", "domain": "service.example"}
BUCKET, REPOSITORY = {"offsite": {"bucket": "kept"}}, {"github": {"repository": "psy/fit"}}


class Server:
    """Lets everything be done; GitHub answers with this status, or not at all."""

    def __init__(self, github: int | None = 200) -> None:
        self._github = github

    def identify(self) -> tuple[str, float]:
        return "deploy", 0.0

    def put(self, question: Question[Any]) -> Callable[[], Reply[Any]]:
        match question:
            case GitHubGet():
                none = Undetermined("no answer of GitHub's API")
                answer = None if self._github is None else HttpAnswer(self._github, {}, "{}")
                return lambda: Reply(answer, none if answer is None else None, 1)
            case Command():
                return lambda: Reply(Output(0, "0\n", ""), None, 1)
            case _:
                return lambda: Reply("something", None, 1)


def target(**more: object) -> Target:
    return validated({**FACTS, **more}, Path("x.toml"))


def missing(of: Target, github: int | None = 200) -> dict[Right, str]:
    return doctor._tried(of, Server(github))  # type: ignore[arg-type]


def test_every_right_that_the_document_names_is_tried_where_the_target_has_an_object_for_it() -> None:
    table = SECURITY.read_text().partition("| right | for |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| ([a-z0-9]+)\b", table, re.MULTILINE)
    assert sorted(one.name for one in doctor._asked_of(target(**BUCKET, **REPOSITORY))) == sorted(named)
    assert missing(target(**BUCKET, **REPOSITORY)) == {}


@pytest.mark.parametrize(
    ("more", "tried"), [({}, set()), (BUCKET, {rights.S3}), (REPOSITORY, {rights.GITHUB})], ids=["none", "s3", "github"]
)
def test_what_the_target_has_no_object_for_is_not_tried(more: dict[str, object], tried: set[Right]) -> None:
    assert set(doctor._asked_of(target(**more))) == {*rights.ALL, *tried}
    assert missing(target(), github=None) == {}


@pytest.mark.parametrize(
    ("github", "said"),
    [(401, "GitHub's API answers 401"), (404, "GitHub's API answers 404"), (None, "no answer of GitHub's API")],
)
def test_without_a_token_that_may_list_the_secrets_the_right_is_missing(github: int | None, said: str) -> None:
    assert missing(target(**REPOSITORY), github) == {rights.GITHUB: said}
