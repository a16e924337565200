"""Processes that do not outlive us: each heads a group of its own, and the kernel ends it when we are gone.

The kernel sends the signal of a parent's death when the *thread* ends that started the process. So one thread starts
all of them, and ends with the last.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cache, partial

from runbook.process.daemon_threads import NO_THREAD, settle

ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""What makes the kernel do it; part of util-linux. Without it a process ends when it next reads or writes."""

TRIED_SECONDS = 5.0
"""How long it may take to see whether this machine has that."""

REAP_SECONDS = 0.5
"""How long a killed process is waited for; what the kernel itself holds longer is left to it."""


class Closed(Exception):
    """No process is started any longer."""


class Processes:
    """The processes that carry a line, until `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], Sequence[str]] | None] | None = None
        self._standing: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start one whose standard streams are ours.

        Raises:
            OSError: The program is not there, or the machine starts no further process.
            Closed: `close` was called.
        """
        with self._lock:
            if self._closed:
                raise Closed
            process = self._started([*_ended_with_us(arguments[0]), *arguments])
            self._standing.add(process)
            return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill it with all that it has started and that is still of its group, such as the ssh of a jump host."""
        with self._lock:
            self._standing.discard(process)
        kill_group(process)

    def close(self) -> None:
        """End all that still stand, and start no more."""
        with self._lock:
            self._closed = True
            standing, self._standing = self._standing, set()
            if self._wanted is not None:
                self._wanted.put(None)
        for process in standing:
            kill_group(process)

    def _started(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        if self._wanted is None:
            self._wanted = queue.SimpleQueue()
            try:
                threading.Thread(target=self._start_all, args=(self._wanted,), daemon=True).start()
            except RuntimeError as error:
                self._wanted = None
                raise OSError(f"{NO_THREAD} ({error})") from None
        started: Future[subprocess.Popen[bytes]] = Future()
        self._wanted.put((started, arguments))
        return started.result()

    @staticmethod
    def _start_all(
        wanted: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], Sequence[str]] | None],
    ) -> None:
        while (one := wanted.get()) is not None:
            started, arguments = one
            settle(started, partial(popen, arguments))


def popen(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that Ctrl-C does not reach it; its standard streams are pipes."""
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _ended_with_us(program: str) -> tuple[str, ...]:
    """The words before a command that make the kernel end it; none where the program is missing, for it says so."""
    return ENDS_WITH_US if shutil.which(program) and _kernel_is_asked() else ()


@cache
def _kernel_is_asked() -> bool:
    """Whether this machine has what asks the kernel for it: there are kinds of setpriv that cannot."""
    try:
        done = subprocess.run([*ENDS_WITH_US, "true"], capture_output=True, timeout=TRIED_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill it and its group. One that was waited for already is left: its number may be another's by now."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: it has become somebody else, by sudo
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(REAP_SECONDS)
