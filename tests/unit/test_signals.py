"""Signals: the first ends by an exception, those after it disturb no ending, and what must be whole is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from runbook.process import signals

ROOT = Path(__file__).resolve().parents[2]

ALL = pytest.mark.parametrize("one", signals.SIGNALS)


def came(one: signal.Signals) -> None:
    os.kill(os.getpid(), one)


@ALL
def test_the_first_ends_and_those_after_it_are_swallowed(one: signal.Signals) -> None:
    closed = []

    def ended() -> None:
        try:
            came(one)
        finally:
            came(one)
            came(signal.SIGINT)
            closed.append("the line")

    with signals.signals_as_interrupts(), pytest.raises(KeyboardInterrupt):
        ended()
    assert closed == ["the line"]


@ALL
def test_what_is_held_is_done_whole_and_not_ended(one: signal.Signals) -> None:
    done = False
    with signals.signals_as_interrupts(), signals.held():
        came(one)
        done = True
    assert done


@ALL
def test_what_is_deferred_is_done_whole_and_ended_then(one: signal.Signals) -> None:
    done = []

    def whole() -> None:
        with signals.deferred():
            came(one)
            done.append("all of it")

    with signals.signals_as_interrupts(), pytest.raises(KeyboardInterrupt):
        whole()
    assert done == ["all of it"]


def test_a_signal_that_comes_to_an_end_that_has_begun_only_hurries_it() -> None:
    with signals.signals_as_interrupts():
        signals.has_begun()
        assert not signals.is_hurried()
        came(signal.SIGTERM)
        assert signals.is_hurried()


def test_an_exception_that_was_lost_is_raised_again() -> None:
    with signals.signals_as_interrupts():
        signals.end_if_a_signal_was_lost()
        with suppress(KeyboardInterrupt):
            came(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signals.end_if_a_signal_was_lost()


def test_who_has_ended_inside_is_not_ended_again_outside() -> None:
    with signals.signals_as_interrupts():
        with suppress(KeyboardInterrupt), signals.signals_as_interrupts():
            came(signal.SIGINT)
        came(signal.SIGINT)
        assert signals.is_hurried()


@ALL
def test_the_exit_code_is_the_processes_own_wherever_the_signal_came(one: signal.Signals) -> None:
    script = """
import os, signal, sys
from runbook.process import signals
signals.may_come()
try:
    exec("os.kill(os.getpid(), int(sys.argv[1]))")  # as a library does that makes a class of its own
except KeyboardInterrupt as error:
    print(error, flush=True)
signals.may_come_no_more()
os.kill(os.getpid(), int(sys.argv[1]))
sys.exit(130)
"""
    done = subprocess.run([sys.executable, "-c", script, str(int(one))], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, f"ended by {one.name}\n", "")


def test_an_ignored_signal_stays_ignored_and_the_handlers_of_before_come_back() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = [signal.getsignal(one) for one in signals.SIGNALS]
    try:
        with signals.signals_as_interrupts(), signals.held():
            came(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert [signal.getsignal(one) for one in signals.SIGNALS] == others
    finally:
        signal.signal(signal.SIGHUP, before)
