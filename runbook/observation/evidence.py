"""Evidence: every exchange with the server, redacted before it touches a disk, chained and written as it happens.

What cannot be written is kept in memory, and so is all that comes after it: the look goes on, and the record tells that
the file is not whole. Who has an exchange to record is never told of the disk.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from runbook.model.record import Exchange, Vantage
from runbook.observation.redaction import Redactor

LONGEST_ANSWER = 64 * 1024
"""Characters of an answer that are kept; of a longer one the beginning, the end and a note."""

LONGEST_SECRET = 8 * 1024
"""Characters that are looked at beyond what is kept: a secret that a cut runs through is seen by what lies beyond."""


class Evidence:
    """The exchanges of one run.

    Args:
        redactor: What keeps secrets out.
        file: JSON lines, one exchange each, written as it happens; None keeps them in memory only.
    """

    def __init__(self, redactor: Redactor, file: Path | None = None) -> None:
        self._redactor = redactor
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._held: list[tuple[Exchange, bool]] = []
        self._holding = False
        self._learned = False
        self._unknowing = False
        self._closed = False
        self._incomplete: str | None = None
        self._written = 0
        self._file = self._opened(file) if file else None

    @property
    def incomplete(self) -> str | None:
        """Why the file does not hold all exchanges, in a few words; None where it does, or none was asked for."""
        with self._lock:
            return self._incomplete

    @property
    def count(self) -> int:
        """How many exchanges there are so far, those that are held back included."""
        with self._lock:
            return len(self._exchanges) + len(self._held)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges so far that are not held back, in the order in which they were answered."""
        with self._lock:
            return tuple(self._exchanges)

    def hold(self) -> None:
        """Keep what comes in memory until `release`: an answer is under way that tells what must not be written."""
        with self._lock:
            self._holding = True

    def release(self, *, learned: bool = True) -> None:
        """Write what was held back, without what the redactor has learned meanwhile.

        Args:
            learned: Whether it was told the values that must not be written. Until it was, no answer that may hold one
                is kept from now on, those that were held back included.
        """
        with self._lock:
            self._release(learned)

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
        may_hold_secrets: bool = False,
    ) -> int:
        """Keep one exchange and return its sequence number, counted from 1; 0 where the evidence is closed already.

        What is answered so late is in no record, so nothing can rest on it.
        """
        with self._lock:
            if self._closed:
                return 0
            exchange = Exchange(
                sequence=len(self._exchanges) + len(self._held) + 1,
                question=question,
                asked=asked,
                vantage=vantage,
                started=started,
                seconds=round(seconds, 4),
                status=status,
                answer=answer,
                errors=errors,
                error=error,
                truncated=len(answer) > LONGEST_ANSWER,
                previous="",
                digest="",
            )
            if self._holding:
                self._held.append((exchange, may_hold_secrets))
            else:
                self._write(exchange, may_hold_secrets)
            return exchange.sequence

    def close(self) -> None:
        """Write what is still held back, and close the file: nothing is recorded from now on."""
        with self._lock:
            self._release(not (self._holding or self._unknowing))
            self._closed = True
            self._close_file()

    def _opened(self, file: Path) -> int | None:
        try:
            return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._incomplete = f"{file.name}: {error.strerror}"
            return None

    def _close_file(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _release(self, learned: bool) -> None:
        self._holding = False
        self._learned |= learned
        self._unknowing = not self._learned
        held, self._held = self._held, []
        for exchange, may_hold_secrets in held:
            self._write(exchange, may_hold_secrets)

    def _write(self, exchange: Exchange, may_hold_secrets: bool) -> None:
        redact = self._redactor.redact
        if may_hold_secrets and self._unknowing:
            exchange = _without_answer(exchange)
        redacted = exchange.model_copy(
            update={
                "asked": redact(exchange.asked),
                "answer": self._shortened(exchange.answer),
                "errors": self._shortened(exchange.errors),
                "error": redact(exchange.error) if exchange.error else None,
                "previous": self._exchanges[-1].digest if self._exchanges else "0" * 64,
            }
        )
        signed = redacted.model_copy(update={"digest": digest_of(redacted)})
        self._put((signed.model_dump_json() + "\n").encode())
        self._exchanges.append(signed)

    def _put(self, line: bytes) -> None:
        """Write a line whole; where that cannot be, take its part off again and write no more."""
        if self._file is None:
            return
        left, before = line, self._written
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            self._incomplete = f"evidence.jsonl ends before exchange {len(self._exchanges) + 1}: {error.strerror}"
            with suppress(OSError):
                os.ftruncate(self._file, before)
            self._close_file()
        self._written = before + len(line)

    def _shortened(self, text: str) -> str:
        """The text redacted; of one too long both ends, each redacted together with what lies beyond its cut."""
        redact = self._redactor.redact
        if len(text) <= LONGEST_ANSWER:
            return redact(text)
        half, beyond = LONGEST_ANSWER // 2, LONGEST_SECRET
        beginning, end = redact(text[: half + beyond])[:-beyond], redact(text[-half - beyond :])[beyond:]
        return f"{beginning}\n[… {len(text) - 2 * half} characters left out …]\n{end}"


def _without_answer(exchange: Exchange) -> Exchange:
    def left_out(text: str) -> str:
        return f"[{len(text)} characters, not kept: which values may not be written is not known]" if text else ""

    told = {"answer": left_out(exchange.answer), "errors": left_out(exchange.errors), "truncated": False}
    return exchange.model_copy(update=told)


def digest_of(exchange: Exchange) -> str:
    """SHA-256 over the exchange as JSON without its own digest, the digest of the one before included."""
    return hashlib.sha256(exchange.model_dump_json(exclude={"digest"}).encode()).hexdigest()
