"""Weakenings tried one by one, each in a process of its own that is forked, weakened and asked whether it notices."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.mutation.swapping import Functions, Place, place_of, put_in
from tests.mutation.weakening import Module, Weakening

CASE_CPU_SECONDS, CASE_SECONDS = 4.0, 60
"""A case that takes longer, by its own work or by the clock, has noticed: it does not come to an end any more."""

UNNOTICED, NOTICED, BROKEN = 0, 1, 2
PLAIN_EXIT = (UNNOTICED, NOTICED)


class Reach:
    """Which functions of these files each case has gone through."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = frozenset(map(str, paths))
        self._cases: dict[Place, dict[int, float]] = defaultdict(dict)
        self._now: set[Place] = set()

    @contextmanager
    def by(self, case: int, took: Callable[[], float]) -> Iterator[None]:
        """What is gone through meanwhile is reached by this case, which took so long."""
        self._now = set()
        threading.setprofile(self._seen)
        sys.setprofile(self._seen)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
            for place in self._now:
                self._cases[place][case] = took()

    def of(self, places: Iterable[Place]) -> list[int]:
        """The cases that go through any of these functions, the quickest first."""
        found = {case: took for place in places for case, took in self._cases[place].items()}
        return sorted(found, key=lambda case: found[case])

    def _seen(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename in self._paths:
            self._now.add(place_of(frame.f_code))


def places_of(weakening: Weakening, functions: Functions) -> tuple[Place, ...]:
    """The functions that a weakening changes, or that use the constant that it changes."""
    if weakening.is_constant:
        return tuple(functions.naming(weakening.function))
    return ((str(weakening.path), weakening.begins),)


def unnoticed(
    weakenings: Iterable[tuple[Module, Weakening]],
    functions: Functions,
    cases: Callable[[Weakening], list[int]],
    notices: Callable[[int], bool],
    told: Callable[[], None],
) -> Iterator[tuple[Module, Weakening]]:
    """Those that no case notices.

    Args:
        weakenings: What to try.
        functions: What is loaded of the modules.
        cases: The cases that could notice one.
        notices: Whether a case does. It is called in the weakened process.
        told: Called when one has been tried.
    """
    gc.collect()
    gc.freeze()
    for module, weakening in weakenings:
        tried = cases(weakening)
        if not tried or _tried(module, weakening, functions, tried, notices) == UNNOTICED:
            yield module, weakening
        told()


def _tried(
    module: Module, weakening: Weakening, functions: Functions, cases: list[int], notices: Callable[[int], bool]
) -> int:
    """How the weakened process ended. One that was killed, by the clock too, has noticed."""
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            put_in(weakening, module, functions)
            code = NOTICED if any(_within_its_time(notices, case) for case in cases) else UNNOTICED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return NOTICED
    code = os.WEXITSTATUS(status)
    if code not in PLAIN_EXIT:
        raise RuntimeError(f"the weakening could not be tried: {weakening}")
    return code


def _within_its_time(notices: Callable[[int], bool], case: int) -> bool:
    signal.alarm(CASE_SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, CASE_CPU_SECONDS)
    return notices(case)
