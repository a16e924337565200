"""The screen as a stream that never raises: whoever closes it changes nothing about what was seen.

A pipe's reader goes (``| head``), a terminal is closed, a disk behind ``> file`` is full: from then on what is said is
said to nobody. The file descriptor then leads to /dev/null, so that nothing is left that fails when Python flushes
its own streams at the end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class Lasting:
    """A text stream whose writing never fails; all else is the stream's own.

    What it cannot encode it shows as something else.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write, if anybody is there to read it."""
        self._or_to_nobody(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush, if anybody is there to read it."""
        self._or_to_nobody(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _or_to_nobody(self, do: Callable[[], object]) -> None:
        try:
            do()
        except (OSError, ValueError):  # the latter where the stream was closed here
            with suppress(OSError, ValueError, AttributeError):
                _lead_to_nobody(self._stream.fileno())


@contextmanager
def lasting() -> Iterator[None]:
    """Let what this process says on its standard streams never raise."""
    before = sys.stdout, sys.stderr
    ours = sys.stdout, sys.stderr = _lasting(before[0]), _lasting(before[1])
    try:
        yield
    finally:
        for stream in ours:  # whoever has gone is found out here, and not by Python at its very end
            stream.flush()
        sys.stdout, sys.stderr = before


def open_all() -> None:
    """Let the three standard descriptors lead somewhere: a file of ours would else take the place of a closed one."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            _lead_to_nobody(number)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _lasting(stream: TextIO) -> TextIO:
    if isinstance(stream, Lasting):
        return stream
    return cast(TextIO, Lasting(stream))


def _lead_to_nobody(number: int) -> None:
    nobody = os.open(os.devnull, os.O_RDWR)
    if nobody != number:
        os.dup2(nobody, number)
        os.close(nobody)
