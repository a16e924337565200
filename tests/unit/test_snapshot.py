"""A look has one ceiling over all that it asks, and asks everything together without a thread for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from runbook.model.outcome import ReasonCode, Undetermined
from runbook.model.outside_questions import HttpGet
from runbook.model.question import Command, Question
from runbook.model.target import EdgeSettings, SshSettings, Target
from runbook.observation import snapshot as looks
from runbook.observation.evidence import Evidence
from runbook.observation.observer import AT_ONCE, Observer
from runbook.observation.redaction import Redactor
from runbook.observation.reply import Reply
from runbook.observation.snapshot import CEILING_SECONDS, OUT_OF_TIME, Snapshot, reading
from tests.unit.hostile import serving, silent

TARGET = Target(
    name="here", environment="staging", address="127.0.0.1", domain="service.example", ssh=SshSettings(local=True)
)
QUICK, OTHER = Command("echo quick"), Command("echo other")
WHOLE = Command("cat everything", lane="slow", seconds=600)


class Deaf(Observer):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.target = TARGET
        self.asked_for: dict[Question[Any], Future[Reply[Any]]] = {}

    def asked(self, question: Question[Any]) -> Future[Reply[Any]]:
        return self.asked_for.setdefault(question, Future())

    def answer(self, question: Question[Any]) -> None:
        self.asked(question).set_result(Reply("answered", None, 1))


@pytest.fixture
def ceiling(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(looks, "CEILING_SECONDS", 0.3)
    return 0.3


def out_of_time(snapshot: Snapshot, *questions: Question[Any]) -> float:
    """After how many seconds the look says that its time is over."""
    began = time.monotonic()
    with pytest.raises(Undetermined, match=OUT_OF_TIME) as told:
        snapshot.ask(*questions)
    assert told.value.code is ReasonCode.OUT_OF_TIME
    return time.monotonic() - began


def test_a_look_that_is_given_no_time_has_a_ceiling(ceiling: float) -> None:
    assert ceiling <= out_of_time(Snapshot(Deaf()), QUICK) < ceiling + 1
    assert CEILING_SECONDS <= 300


@pytest.mark.usefixtures("ceiling")
def test_it_says_so_in_one_sentence() -> None:
    with pytest.raises(Undetermined, match=r"the time that the whole look may take \(0\.3 s\)"):
        Snapshot(Deaf()).ask(QUICK)


def test_whole_reads_have_their_own_time_and_what_follows_them_has_the_looks(ceiling: float) -> None:
    observer = Deaf()
    snapshot = Snapshot(observer)
    threading.Timer(2 * ceiling, observer.answer, [WHOLE]).start()
    assert snapshot.ask(WHOLE) == "answered"  # type: ignore[comparison-overlap]
    threading.Timer(ceiling / 3, observer.answer, [QUICK]).start()
    assert snapshot.ask(QUICK) == "answered"  # type: ignore[comparison-overlap]
    assert out_of_time(snapshot, OTHER) <= ceiling


def test_what_is_asked_beside_a_whole_read_does_not_lose_its_time_to_it(ceiling: float) -> None:
    observer = Deaf()
    snapshot = Snapshot(observer)
    threading.Timer(2 * ceiling, observer.answer, [QUICK]).start()
    threading.Timer(3 * ceiling, observer.answer, [WHOLE]).start()
    assert snapshot.ask(WHOLE, QUICK) == ("answered", "answered")  # type: ignore[comparison-overlap]


def test_a_time_that_is_given_holds_for_whole_reads_too() -> None:
    assert out_of_time(Snapshot(Deaf(), 0.2), WHOLE) < 1


def test_nothing_is_asked_any_more_when_the_time_is_over() -> None:
    observer = Deaf()
    snapshot = Snapshot(observer, 0.1)
    observer.answer(OTHER)
    snapshot.ask(OTHER)
    out_of_time(snapshot, QUICK)
    assert out_of_time(snapshot, WHOLE) < 0.1
    assert WHOLE not in observer.asked_for
    assert snapshot.ask(OTHER) == "answered"  # type: ignore[comparison-overlap]


@pytest.fixture
def observing(tmp_path: Path) -> Iterator[Callable[[int], Observer]]:
    """An observer of this machine whose edge is on this port."""
    made: list[Observer] = []
    redactor = Redactor()
    evidence = Evidence(redactor, tmp_path / "evidence.jsonl")

    def make(port: int) -> Observer:
        edge = EdgeSettings(https_port=port, http_port=port)
        made.append(Observer(TARGET.model_copy(update={"edge": edge}), evidence, redactor, {}))
        return made[-1]

    yield make
    for one in made:
        one.close()
    evidence.close()


def test_many_questions_at_once_do_not_need_a_thread_each(observing: Callable[[int], Observer]) -> None:
    """Commands wait in the channel, the rest for a worker; those that wait do not hold up those that need no line."""
    with serving(silent) as port:
        observer = observing(port)
        before = threading.active_count()
        commands = [observer.asked(Command(f"echo {number}")) for number in range(1000)]
        pages = [observer.asked(HttpGet(f"/{number}", scheme="http", seconds=0.2)) for number in range(100)]
        most = threading.active_count() - before
        assert [one.result(20).required().out for one in commands] == [f"{number}\n" for number in range(1000)]
        assert {str(one.result(20).error) for one in pages} == {"no complete HTTP answer within 0.2 s"}
    assert most < AT_ONCE + 100 + 20  # the server's own threads among them


def test_a_machine_that_starts_no_thread_leaves_no_check_waiting(
    observing: Callable[[int], Observer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    observer = observing(9)
    snapshot = Snapshot(observer)
    monkeypatch.setattr(threading.Thread, "start", start)
    snapshot.start([lambda one: one.ask(QUICK)])
    with pytest.raises(Undetermined, match="this machine starts no further thread"):
        snapshot.ask(OTHER)
    with pytest.raises(Undetermined, match="this machine starts no further thread"):
        snapshot.ask(HttpGet("/", scheme="http"))
    observer.probe_reachability()
    assert "9 no answer yet" in str(observer.line())


@pytest.mark.parametrize("wrong", [ValueError, KeyError, TypeError, OverflowError, RecursionError])
def test_whatever_is_wrong_with_an_answer_it_could_not_be_read(wrong: type[Exception]) -> None:
    with pytest.raises(Undetermined, match=f"the time could not be read: {wrong.__name__}"), reading("the time"):
        raise wrong("x")
