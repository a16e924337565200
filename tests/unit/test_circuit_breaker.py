"""An engine that gives no answer is waited for once."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from runbook.model.outcome import Undetermined
from runbook.transport.circuit_breaker import CircuitBreaker

SILENT = Undetermined("the Docker Engine gave no answer within 10 s")


def test_an_answer_comes_through() -> None:
    running: Future[int] = Future()
    heard = CircuitBreaker().call(lambda: running)
    assert not heard.done()
    running.set_result(7)
    assert heard.result(0) == 7


def test_what_failed_before_fails_so() -> None:
    running: Future[int] = Future()
    running.set_exception(Undetermined("no answer within 5 s"))
    with pytest.raises(Undetermined, match="5 s"):
        CircuitBreaker().call(lambda: running).result(0)


def test_who_waits_hears_of_it_at_once_and_a_late_answer_is_no_more() -> None:
    silence, running = CircuitBreaker(), Future[int]()
    heard = silence.call(lambda: running)
    silence.trip(SILENT)
    running.set_result(7)
    assert heard.exception(0) is SILENT


def test_nothing_more_is_begun_and_the_first_word_stands() -> None:
    silence = CircuitBreaker()
    silence.check()
    silence.trip(SILENT)
    silence.trip(Undetermined("another"))
    with pytest.raises(Undetermined, match="10 s"):
        silence.check()
    assert silence.call(lambda: pytest.fail("it was asked")).exception(0) is SILENT
