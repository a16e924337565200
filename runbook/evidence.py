"""Evidence: every exchange with the server, redacted before it touches a disk, chained and written as it happens."""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime
from pathlib import Path
from typing import IO

from runbook.record import Exchange, Vantage
from runbook.redaction import Redactor

LONGEST_ANSWER = 64 * 1024
"""Characters of an answer that are kept; of a longer one the beginning, the end and a note."""


class Evidence:
    """The exchanges of one run.

    Args:
        redactor: What keeps secrets out.
        file: JSON lines, one exchange each, flushed as it happens; None keeps them in memory only.
    """

    def __init__(self, redactor: Redactor, file: Path | None = None) -> None:
        self._redactor = redactor
        self._file: IO[str] | None = file.open("x", encoding="utf-8") if file else None
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges so far, in the order in which they were answered."""
        with self._lock:
            return tuple(self._exchanges)

    def record(
        self,
        *,
        question: str,
        asked: str,
        vantage: Vantage,
        started: datetime,
        seconds: float,
        status: int | None = None,
        answer: str = "",
        errors: str = "",
        error: str | None = None,
    ) -> int:
        """Keep one exchange and return its sequence number, counted from 1."""
        kept, truncated = _shortened(self._redactor.redact(answer))
        with self._lock:
            previous = self._exchanges[-1].digest if self._exchanges else "0" * 64
            unsigned = Exchange(
                sequence=len(self._exchanges) + 1,
                question=question,
                asked=self._redactor.redact(asked),
                vantage=vantage,
                started=started,
                seconds=round(seconds, 4),
                status=status,
                answer=kept,
                errors=_shortened(self._redactor.redact(errors))[0],
                error=self._redactor.redact(error) if error else None,
                truncated=truncated,
                previous=previous,
                digest="",
            )
            exchange = unsigned.model_copy(update={"digest": digest_of(unsigned)})
            self._exchanges.append(exchange)
            if self._file is not None:
                self._file.write(exchange.model_dump_json() + "\n")
                self._file.flush()
            return exchange.sequence

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def digest_of(exchange: Exchange) -> str:
    """SHA-256 over the exchange as JSON without its own digest, the digest of the one before included."""
    return hashlib.sha256(exchange.model_dump_json(exclude={"digest"}).encode()).hexdigest()


def _shortened(text: str) -> tuple[str, bool]:
    if len(text) <= LONGEST_ANSWER:
        return text, False
    half = LONGEST_ANSWER // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n[… {left_out} characters left out …]\n{text[-half:]}", True
