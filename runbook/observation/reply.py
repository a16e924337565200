"""What came of one question: its answer or why there is none, and as which text the evidence keeps it."""

from __future__ import annotations

import json
import re
import ssl
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import Handshake, HttpAnswer, HttpGet, Resolution, S3Answer
from runbook.model.question import Command, Output, Question, lines_of
from runbook.observation.redaction import MASK

A = TypeVar("A")

_DENIED = re.compile(
    r"permission denied|operation not permitted|must be privileged|password is required|not in the sudoers"
    r"|not allowed to (use|execute)|dial unix .*: connect: permission denied",
    re.IGNORECASE,
)
_SECRET_HEADERS = {"set-cookie"}


@dataclass(frozen=True)
class Reply(Generic[A]):
    """What came of one question: an answer or why there is none, and the exchange that shows it."""

    answer: A | None
    error: Undetermined | None
    sequence: int

    def required(self) -> A:
        """The answer.

        Raises:
            Undetermined: There is none, and why.
        """
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer


def failed(error: Undetermined) -> Future[Any]:
    """What nobody has to wait for: why there is no answer is known at once."""
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def outcome_of(running: Future[Any], question: Question[Any]) -> tuple[Any, Undetermined | None]:
    """The answer, or why there is none."""
    try:
        answer = running.result()
        if isinstance(answer, Output):
            require_allowed(answer, question)
        return answer, None
    except Undetermined as error:
        return None, error


def require_allowed(output: Output, question: Question[Any]) -> None:
    """Recognise what an account may not do.

    Raises:
        Undetermined: It may not, and which right it lacks.
    """
    refusal = _DENIED.search(output.err) if output.status != 0 else None
    if refusal:
        line = next(line for line in lines_of(output.err) if _DENIED.search(line))
        raise Undetermined(f"not allowed: {line.strip()}", right=question.needs)


def as_text(answer: object, question: Question[Any]) -> dict[str, Any]:
    """An answer as the evidence keeps it."""
    match answer:
        case Output():
            if isinstance(question, Command) and not question.keep_answer:
                return {"status": answer.status, "answer": f"[{len(answer.out)} characters, not kept]"}
            return {"status": answer.status, "answer": answer.out, "errors": answer.err}
        case HttpAnswer():
            head = "\n".join(
                f"{name}: {MASK if name in _SECRET_HEADERS else value}" for name, value in answer.headers.items()
            )
            whole = not isinstance(question, HttpGet) or question.keep_body
            body = answer.body if whole else f"[a body of {len(answer.body)} characters, not kept]"
            return {"status": answer.status, "answer": f"{head}\n\n{body}"}
        case S3Answer():
            said = {"code": answer.code, **answer.fields}
            return {"status": answer.status, "answer": json.dumps(said, indent=1, default=str)}
        case Handshake():
            shown = {"protocol": answer.protocol, "error": answer.error, "certificate": _pem(answer.certificate)}
            return {"answer": json.dumps(shown, indent=1)}
        case Resolution():
            return {"answer": json.dumps({"addresses": answer.addresses, "refusal": answer.refusal}, indent=1)}
        case None:
            return {}
    return {"answer": json.dumps(answer, indent=1, default=str)}


def _pem(certificate: bytes | None) -> str | None:
    return ssl.DER_cert_to_PEM_cert(certificate) if certificate else None
