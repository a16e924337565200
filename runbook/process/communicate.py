"""A process of ours that is waited for no longer than it may take, whatever has become of its streams.

Ending a process does not close its streams: children here hold them, and where several share one ssh line its master
does, until the command on the server has ended. So nothing is read any more once a process was ended, and no wait is
without a limit.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from runbook.model.sizes import MIB, in_words
from runbook.process.child_processes import kill_group

GRACE_SECONDS = 5.0
"""Between the end of a process's streams and the moment at which nobody waits for it any more."""

MOST_STDIN = 32 * 1024
"""What a pipe takes at once: more could have to be waited for."""

MOST_BYTES = 16 * MIB
"""The most that either stream may hold."""


class TooMuch(Exception):
    """It said more than is read, and was ended here."""

    def __init__(self) -> None:
        super().__init__(f"the answer is longer than {in_words(MOST_BYTES)}")


class TooLate(Exception):
    """It had not ended in time, and was ended here."""


def whole(
    process: subprocess.Popen[bytes],
    stdin: bytes,
    seconds: float,
    heard: Callable[[str], float | None] = lambda _: None,
) -> tuple[str, str]:
    """Both streams of a process that ends by itself in time.

    Args:
        process: Leads a session of its own.
        stdin: What it reads, `MOST_STDIN` bytes at the most.
        seconds: How long it may take.
        heard: Is told each line of its standard output; where it answers with a number, so many seconds more may pass
            from then on.

    Raises:
        TooLate: It has not ended in time.
        TooMuch: It says more than `MOST_BYTES`.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    assert len(stdin) <= MOST_STDIN
    deadline = time.monotonic() + seconds
    said = {process.stdout: bytearray(), process.stderr: bytearray()}
    begun = 0
    try:
        _give(process, stdin)
        with selectors.DefaultSelector() as streams:
            for stream in said:
                streams.register(stream, selectors.EVENT_READ)
            while streams.get_map():
                ready = streams.select(max(0.0, deadline - time.monotonic()))
                if not ready or time.monotonic() > deadline:
                    raise TooLate
                for key, _ in ready:
                    chunk = os.read(key.fd, 1 << 16)
                    if not chunk:
                        streams.unregister(key.fileobj)
                    said[key.fileobj] += chunk  # type: ignore[index]
                    if len(said[key.fileobj]) > MOST_BYTES:  # type: ignore[index]
                        raise TooMuch
                while (end_of_line := said[process.stdout].find(b"\n", begun)) >= 0:
                    more = heard(said[process.stdout][begun:end_of_line].decode(errors="replace"))
                    begun, deadline = end_of_line + 1, deadline if more is None else time.monotonic() + more
        process.wait(max(GRACE_SECONDS, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TooLate from None
    finally:
        end(process)
    return said[process.stdout].decode(errors="replace"), said[process.stderr].decode(errors="replace")


def end(process: subprocess.Popen[bytes], grace_seconds: float = 0.0) -> None:
    """End a process with all its children here, and let go of its streams; where it has ended, only that.

    Args:
        grace_seconds: How long it may still go on by itself.
    """
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    kill_group(process)
    for stream in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if stream is not None:
                stream.close()


def _give(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    if process.stdin is not None:
        with suppress(OSError):  # it has ended already, and says itself why
            process.stdin.write(stdin)
        with suppress(OSError):
            process.stdin.close()
