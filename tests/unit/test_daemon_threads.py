"""Threads of which there are never too many, and without which the work is done all the same."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest

from runbook.model.outcome import Undetermined
from runbook.process.daemon_threads import NO_THREAD, Workers, in_background

SOON = 5.0


def test_there_are_never_more_of_them_than_were_allowed() -> None:
    """However much there is to do: two thousand copies of backups are two thousand questions."""
    workers, at_once, lock = Workers(8), [0, 0], threading.Lock()

    def work() -> None:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        threading.Event().wait(0.0001)
        with lock:
            at_once[0] -= 1

    before = threading.active_count()
    asked = [workers.do(work) for _ in range(2000)]
    assert threading.active_count() <= before + 8
    assert not wait(asked, SOON).not_done
    assert at_once[1] <= 8


def test_what_comes_of_the_work_comes_through_whatever_it_is() -> None:
    workers = Workers(1)
    fine, broken, after = workers.do(lambda: 7), workers.do(lambda: 1 // 0), workers.do(lambda: 8)
    assert fine.result(SOON) == 7
    assert isinstance(broken.exception(SOON), ZeroDivisionError)
    assert after.result(SOON) == 8


def no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_machine_that_starts_no_thread_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(Undetermined, match=NO_THREAD):
        Workers(3).do(lambda: 7).result(0)
    assert in_background(lambda: 7).result(0) == 7


def test_where_some_threads_stand_they_do_what_no_further_thread_is_started_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers, go = Workers(3), threading.Event()
    first = workers.do(lambda: go.wait(SOON))
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    second = workers.do(lambda: 7)
    assert not second.done()
    go.set()
    assert first.result(SOON)
    assert second.result(SOON) == 7
