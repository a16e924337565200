"""A shell's answers on one stream: each ends with a marker that nobody else can know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from runbook.transport.bounded_http import TooLong

READ_BYTES = 65_536
LONGEST_ENDING = 64
"""More bytes than the marker has with what stands behind it."""


def number_in(answer: str) -> int | None:
    """The number on the last line: what the account's own start-up files print comes before it."""
    words = answer.split()
    return int(words[-1]) if words and words[-1].isdecimal() else None


def marked(stream: IO[bytes], marker: str, most: int) -> Iterator[tuple[str, str | None]]:
    """Each answer on a stream with what stands behind its marker; last what came after all of them, with None.

    Raises:
        TooLong: One has more bytes.
    """
    ending = re.compile(re.escape(marker.encode()) + rb"([^\n]*)\n")
    answer = bytearray()
    while part := stream.read1(READ_BYTES):  # type: ignore[attr-defined]  # a pipe has it
        searched = max(0, len(answer) - LONGEST_ENDING)
        answer += part
        while found := ending.search(answer, searched):
            behind, begin, end, searched = found[1].decode(errors="replace").strip(), found.start(), found.end(), 0
            del found  # it holds the buffer
            if begin > most:
                raise TooLong(most)
            with memoryview(answer)[:begin] as whole:  # no second copy of a long one
                text = str(whole, "utf-8", "replace")
            yield text, behind
            del answer[:end]
        if len(answer) > most:
            raise TooLong(most)
    yield answer.decode(errors="replace"), None
