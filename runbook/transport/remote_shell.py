"""A shell at the other end of a pipe that takes commands ahead of their answers.

Each command runs in a subshell with no input; the shell's own printf then marks the end of the answer on both
streams. Nothing is written on the server and no extra process is started there.

Answers come in order, so a deadline counts from when the command before has ended. A command that does not end in
time, or answers at greater length than is read, fails alone: its shell is given up, what waited behind it is asked
again through a new one (all questions are read-only, so asking twice is harmless). Where one command hangs others may
too, so from then on several shells share what waits. A new shell that never answers shows that it was the line, and not
the command.
"""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from runbook.model.outcome import Undetermined
from runbook.model.port_state import PortState
from runbook.model.question import Output
from runbook.model.sizes import MIB
from runbook.transport.bounded_http import TooLong
from runbook.transport.connection_lost import ConnectionLost, start_thread
from runbook.transport.marked_answers import marked, number_in
from runbook.transport.shell_process import PREAMBLE, TELL_PROCESS_GROUP, Shell, Waiting

EXIT_GRACE_SECONDS = 3.0
MOST_BYTES = 16 * MIB
"""How much of one answer is read of each of its streams."""


class RemoteShell:
    """Commands in order over one shell at a time; over several once a command has hung.

    Args:
        start: Starts the process whose standard streams are the shell's; raises `ConnectionLost` where that cannot be.
        end: Ends such a process.
        connect_seconds: How long it may take until the shell answers at all.
        explain: Says why such a process has ended, given what it said last.
        shells: How many shells share the work once a command has hung.
        most: How many bytes of each stream of an answer are read.

    Raises:
        ConnectionLost: This machine starts no further thread.
    """

    def __init__(
        self,
        start: Callable[[], subprocess.Popen[bytes]],
        end: Callable[[subprocess.Popen[bytes]], None],
        connect_seconds: float,
        explain: Callable[[subprocess.Popen[bytes], str], ConnectionLost],
        shells: int = 1,
        most: int = MOST_BYTES,
    ) -> None:
        self._start = start
        self._end = end
        self._connect_seconds = connect_seconds
        self._explain = explain
        self._share_among = shells
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[Waiting] = deque()
        self._given_up: list[tuple[Waiting, Undetermined]] = []
        self._shell: Shell | None = None
        self._shells: list[Shell] = []
        self._beside: list[RemoteShell] = []
        self._lost: ConnectionLost | None = None
        start_thread(self._keep_deadlines)

    def submit(self, script: str, seconds: float) -> Future[Output]:
        """Send a command; its answer, or why there is none, comes through the future."""
        asked = Waiting(script, seconds)
        standing = [one for one in (self, *self._beside) if one._lost is None] or [self]
        min(standing, key=lambda one: len(one._waiting))._take([asked])
        return asked.future

    def stop(self) -> tuple[int, ...]:
        """Take no more, tell what still waits that the line is gone, and name the process groups that work for it."""
        with self._changed:
            groups = self._at_work()
            self._fail_all(ConnectionLost("the connection was closed"))
            return groups

    def hang_up(self) -> None:
        """End the shells."""
        with self._changed:
            self._lose(ConnectionLost("the connection was closed"))

    def _at_work(self) -> tuple[int, ...]:
        """Groups whose shell still carries out a command; none whose end has been seen, its number may be another's."""
        busy = [shell for shell in self._shells if self._waiting or shell is not self._shell]
        mine = [shell.process_group for shell in busy if shell.process_group and not shell.answers_ended.is_set()]
        return (*mine, *(group for channel in self._beside for group in channel.stop()))

    def _take(self, asked: Iterable[Waiting]) -> None:
        with self._changed:
            for one in asked:
                if self._lost is not None:
                    one.future.set_exception(self._lost)
                    continue
                self._waiting.append(one)
                if self._shell is None:
                    self._open()
                elif not self._shell.on_trial:
                    self._send(self._shell, one)

    def _open(self, in_place_of: Shell | None = None) -> None:
        """Open a shell; in the place of a hung one it first ends what that one left running on the server."""
        on_trial = in_place_of is not None
        left_over = f"kill -TERM -{in_place_of.process_group}; " if in_place_of and in_place_of.process_group else ""
        hello = Waiting(left_over + TELL_PROCESS_GROUP, self._connect_seconds, handshake=True)
        for asked in self._waiting:
            asked.out = asked.err = asked.begun = None
        self._waiting.appendleft(hello)
        try:
            shell = self._shell = Shell(self._start(), on_trial)
        except ConnectionLost as error:
            self._lose(error)
            return
        self._shells.append(shell)
        try:
            for run in (self._write, self._read_answers, self._read_errors):
                start_thread(partial(run, shell))
        except ConnectionLost as error:
            self._lose(error)
            return
        shell.to_write.put(PREAMBLE)
        for asked in [hello] if on_trial else self._waiting:
            self._send(shell, asked)

    def _send(self, shell: Shell, asked: Waiting) -> None:
        shell.to_write.put(
            f"( eval {shlex.quote(asked.script)} ) </dev/null; "
            f"printf '%s %s\\n' {shell.marker} $?; printf '%s\\n' {shell.marker} >&2\n"
        )
        self._begin_first()

    def _begin_first(self) -> None:
        if self._waiting and self._waiting[0].begun is None:
            self._waiting[0].begun = time.monotonic()
        self._changed.notify_all()

    def _write(self, shell: Shell) -> None:
        assert shell.process.stdin is not None
        with suppress(OSError), shell.process.stdin as stream:  # the readers see the end of the streams, and say why
            while (text := shell.to_write.get()) is not None:
                stream.write(text.encode())
                stream.flush()

    def _read_answers(self, shell: Shell) -> None:
        assert shell.process.stdout is not None
        with shell.process.stdout as stream:
            try:
                for answer, status in marked(stream, shell.marker, self._most):
                    with self._changed:
                        if status is None or shell is not self._shell:
                            shell.last_words = answer
                            break
                        asked = next(one for one in self._waiting if one.out is None)
                        asked.status, asked.out = int(status), answer
                        self._settle(shell)
            except TooLong as error:
                self._cut_off(shell, error, lambda asked: asked.out is None)
            except (StopIteration, ValueError):
                self._distrust(shell)
        shell.answers_ended.set()

    def _read_errors(self, shell: Shell) -> None:
        assert shell.process.stderr is not None
        with shell.process.stderr as stream:
            last = ""
            try:
                for said, end in marked(stream, shell.marker, self._most):
                    with self._changed:
                        if shell is not self._shell:
                            return
                        if end is None:
                            last = said
                            break
                        asked = next(one for one in self._waiting if one.err is None)
                        asked.err = said
                        self._settle(shell)
            except TooLong as error:
                self._cut_off(shell, error, lambda asked: asked.err is None)
                return
            except StopIteration:
                self._distrust(shell)
                return
        shell.answers_ended.wait(EXIT_GRACE_SECONDS)
        lost = self._explain(shell.process, last.strip() or shell.last_words.strip())
        with self._changed:
            if shell is self._shell:
                self._lose(lost)

    def _cut_off(self, shell: Shell, error: TooLong, is_answering: Callable[[Waiting], bool]) -> None:
        """Give up the command whose answer is too long; that its stream is closed here stops it there."""
        with self._changed:
            if shell is self._shell:
                self._abandon(next(filter(is_answering, self._waiting)), error)

    def _distrust(self, shell: Shell) -> None:
        """Give up a line on which an answer came that nobody asked for, or that has no status."""
        with self._changed:
            if shell is self._shell:
                self._lose(
                    ConnectionLost("no SSH connection to the server: what answers there is no shell", PortState.CUT)
                )

    def _settle(self, shell: Shell) -> None:
        while self._waiting and self._waiting[0].out is not None and self._waiting[0].err is not None:
            done = self._waiting.popleft()
            if done.handshake:
                shell.process_group = number_in(done.out or "")
                if shell.on_trial:
                    self._resume(shell)
            else:
                done.future.set_result(Output(done.status, done.out or "", done.err or ""))
        self._begin_first()

    def _resume(self, shell: Shell) -> None:
        """The line stands, so it was the command: tell those who wait for it, and go on with what waited behind."""
        shell.on_trial = False
        for asked, why in self._given_up:
            asked.future.set_exception(why)
        self._given_up.clear()
        self._share()
        for asked in self._waiting:
            self._send(shell, asked)

    def _share(self) -> None:
        if not self._beside:
            parts = (self._start, self._end, self._connect_seconds, self._explain)
            with suppress(ConnectionLost):  # fewer share it then
                for _ in range(self._share_among - 1):
                    self._beside.append(RemoteShell(*parts, most=self._most))
        waiting = list(self._waiting)
        count = len(self._beside) + 1
        self._waiting = deque(waiting[::count])
        for number, channel in enumerate(self._beside, 1):
            channel._take(waiting[number::count])

    def _fail_all(self, error: ConnectionLost) -> None:
        self._lost = self._lost or error
        self._shell = None
        for asked in (*(one for one, _ in self._given_up), *self._waiting):
            asked.future.set_exception(self._lost)
        self._given_up.clear()
        self._waiting.clear()
        self._changed.notify_all()

    def _lose(self, error: ConnectionLost) -> None:
        self._fail_all(error)
        for shell in self._shells:
            shell.to_write.put(None)
            self._end(shell.process)
        self._shells.clear()
        for channel in self._beside:
            with channel._changed:
                channel._lose(error)

    def _keep_deadlines(self) -> None:
        try:
            self._watch()
        except BaseException as error:
            with self._changed:  # nobody would keep their deadlines any longer
                self._lose(ConnectionLost(f"the connection was given up: {type(error).__name__}: {error}"))
            raise

    def _watch(self) -> None:
        with self._changed:
            while self._lost is None:
                first = self._waiting[0] if self._waiting else None
                if first is None or first.begun is None:
                    self._changed.wait()
                    continue
                left = first.begun + first.seconds - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    self._abandon(first, Undetermined(f"no answer within {first.seconds:g} s"))

    def _abandon(self, asked: Waiting, why: Undetermined) -> None:
        if asked.handshake:
            how = f"but {why}" if isinstance(why, TooLong) else f"but gave no shell within {asked.seconds:g} s"
            self._lose(
                ConnectionLost(f"no SSH connection to the server: it accepted the connection {how}", PortState.SILENT)
            )
            return
        self._waiting.remove(asked)
        self._given_up.append((asked, why))
        abandoned = self._shell
        assert abandoned is not None
        self._open(in_place_of=abandoned)
        self._end(abandoned.process)
