"""What the observer lets into the evidence, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook import rights
from runbook.evidence import Evidence
from runbook.observer import Observer
from runbook.outcome import Undetermined
from runbook.question import Command, Containers, Http, HttpAnswer
from runbook.redaction import MASK, Redactor
from runbook.target import Edge, Ssh, Target

TARGET = Target(
    name="here",
    environment="staging",
    address="127.0.0.1",
    domain="service.example",
    ssh=Ssh(local=True),
    edge=Edge(database_page="/clinics?all=1"),
)
VALUE = "-".join(("correct", "horse"))
SAYS_IT = Command(f"echo {VALUE}")


class Line:
    """An observer of this machine and its evidence; its engine and its edge answer what they are told to."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redactor = Redactor()
        self.file = file
        self.evidence = Evidence(self.redactor, file)
        self.observer = Observer(TARGET, self.evidence, self.redactor, {})
        self.body = "somebody"
        self.engine_answers = True
        monkeypatch.setattr(self.observer, "_containers", self._containers)
        monkeypatch.setattr(self.observer._outside, "http", lambda _: HttpAnswer(200, {"x-a": "b"}, self.body))

    def _containers(self, _: Containers) -> tuple[dict[str, Any], ...]:
        if not self.engine_answers:
            raise Undetermined("the engine says nothing")
        self.redactor.learn(VALUE)
        return ()


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    found = Line(tmp_path / "evidence.jsonl", monkeypatch)
    yield found
    found.observer.close()
    found.evidence.close()


def test_what_was_answered_before_the_containers_holds_no_value_that_they_told(line: Line) -> None:
    line.observer.expect([SAYS_IT, Containers()])
    told = line.observer.put(SAYS_IT)()
    assert told.required().lines == (VALUE,)
    assert line.file.read_text() == ""
    line.observer.put(Containers())()
    assert VALUE not in line.file.read_text()
    assert line.evidence.exchanges[0].answer == f"{MASK}\n"


def test_containers_that_cannot_be_asked_hold_nothing_back_any_longer(line: Line) -> None:
    line.engine_answers = False
    line.observer.expect([Containers()])
    line.observer.put(Command("echo 1"))()
    line.observer.put(Containers())()
    assert len(line.file.read_text().splitlines()) == 2


def test_of_what_only_root_sees_no_answer_is_kept_where_the_containers_did_not_tell_their_values(line: Line) -> None:
    line.engine_answers = False
    line.observer.expect([SAYS_IT, Containers()])
    told = line.observer.put(replace(SAYS_IT, needs=rights.ROOT))()
    line.observer.put(Containers())()
    assert told.required().lines == (VALUE,)
    assert VALUE not in line.evidence.exchanges[0].answer


def test_nothing_is_held_back_where_nobody_will_ask_of_containers(line: Line) -> None:
    line.observer.expect([SAYS_IT])
    line.observer.put(Command("echo 1"))()
    assert line.file.read_text()


@pytest.mark.parametrize("keep", [True, False])
def test_a_body_is_kept_or_its_length_alone(line: Line, keep: bool) -> None:
    told = line.observer.put(Http("{database_page}", keep_body=keep))()
    (kept,) = line.evidence.exchanges
    assert told.required().body == line.body
    assert kept.asked == "GET https://service.example/clinics?all=1"
    assert kept.status == 200
    assert "x-a: b" in kept.answer
    assert (line.body in kept.answer) is keep
    assert ("8 characters" in kept.answer) is not keep


def test_an_answer_that_may_be_about_somebody_is_not_kept(line: Line) -> None:
    told = line.observer.put(Command("echo Hanako", keep_answer=False))()
    assert told.required().lines == ("Hanako",)
    assert line.evidence.exchanges[-1].answer == "[7 characters, not kept]"
    assert "Hanako\\n" not in line.file.read_text()
