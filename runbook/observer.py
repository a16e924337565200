"""The object that a check's look holds: it asks declared questions of one target, and can do nothing else.

Every exchange is recorded here, where it happens. What an account may not do is recognised here too, so that no
check has to.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from runbook.connection import Connection
from runbook.docker_api import DockerReader, EngineUnreachable, Scrubber
from runbook.evidence import Evidence
from runbook.outcome import Undetermined
from runbook.outside import Outside
from runbook.question import (
    Command,
    Containers,
    Handshake,
    Http,
    HttpAnswer,
    Images,
    Inspection,
    Output,
    Question,
    Tls,
    facts_of,
)
from runbook.redaction import MASK, Redactor
from runbook.target import Target

A = TypeVar("A")

_DENIED = re.compile(
    r"permission denied|operation not permitted|must be privileged|password is required|not in the sudoers"
    r"|not allowed to (use|execute)|dial unix .*: connect: permission denied",
    re.IGNORECASE,
)
_SECRET_HEADERS = {"set-cookie"}
CONTAINERS_BY_COMMAND = 'ids=$(docker ps -aq --no-trunc) || exit; [ -z "$ids" ] && echo "[]" || docker inspect $ids'
IMAGES_BY_COMMAND = (
    'ids=$(docker images -q --no-trunc) || exit; [ -z "$ids" ] && echo "[]" || docker image inspect $ids'
)


@dataclass(frozen=True)
class Told(Generic[A]):
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


class Observer:
    """Asks questions of one server.

    Args:
        target: The server.
        evidence: Where every exchange is kept.
        redactor: Learns the values that must not leave the server.
        names: Each declared question's name, for the evidence.
    """

    def __init__(
        self, target: Target, evidence: Evidence, redactor: Redactor, names: Mapping[Question[Any], str]
    ) -> None:
        self.target = target
        self._facts = facts_of(target)
        self._evidence = evidence
        self._names = names
        self._connection = Connection(target)
        self._outside = Outside(target)
        self._scrubber = Scrubber(redactor.learn)
        self._docker: DockerReader | None = None
        self._docker_lock = threading.Lock()

    def put(self, question: Question[A]) -> Callable[[], Told[A]]:
        """Put the question on the wire; the returned function waits for what comes of it.

        Raises:
            Undetermined: The question needs what an earlier answer should have told, and did not.
        """
        started, clock = datetime.now(UTC), time.monotonic()
        running: Future[Any] = self._begin(question)
        ended: list[float] = []
        running.add_done_callback(lambda _: ended.append(time.monotonic()))

        def wait() -> Told[A]:
            answer, error = _outcome_of(running, question)
            sequence = self._evidence.record(
                question=self._name(question),
                asked=question.told(self._facts),
                vantage=question.vantage,
                started=started,
                seconds=(ended[0] if ended else time.monotonic()) - clock,
                error=str(error) if error else None,
                **_as_text(answer),
            )
            return Told(answer, error, sequence)

        return wait

    def greeting(self) -> tuple[str, float]:
        """As whom the server sees us, and how many seconds its clock is ahead of ours.

        Raises:
            Undetermined: There is no line to it, and why.
        """
        hello = self._connection.ready().result().required("the server's greeting")
        account, clock = hello.lines[0], float(hello.lines[-1].removesuffix(".%N"))  # not every date has %N
        return account, round(clock - self._connection.greeted_at(), 1)

    def close(self) -> None:
        """Hang up."""
        if self._docker is not None:
            self._docker.close()
        self._outside.close()
        self._connection.close()

    def _begin(self, question: Question[Any]) -> Future[Any]:
        match question:
            case Command():
                return self._connection.run(question.told(self._facts), question.seconds, question.lane)
            case Containers():
                return in_background(lambda: self._containers(question))
            case Images():
                return in_background(lambda: self._images(question))
            case Http():
                return in_background(lambda: self._outside.http(question))
            case Tls():
                return in_background(lambda: self._outside.tls(question))
        raise TypeError(f"nobody knows how to ask a {type(question).__name__}")

    def _containers(self, question: Containers) -> tuple[Inspection, ...]:
        try:
            return self._reader().containers()
        except EngineUnreachable:
            inspected = self._by_command(CONTAINERS_BY_COMMAND, question)
            return tuple(self._scrubber.scrub(one) for one in inspected)

    def _images(self, question: Images) -> tuple[Inspection, ...]:
        try:
            return self._reader().images()
        except EngineUnreachable:
            return self._by_command(IMAGES_BY_COMMAND, question)

    def _by_command(self, script: str, question: Question[Any]) -> tuple[Inspection, ...]:
        """Where the socket cannot be forwarded or the account needs sudo, docker itself answers the same."""
        output = self._connection.run(script, question.seconds, "docker").result()
        _forbidden(output, question)
        try:
            return tuple(json.loads(output.required("the Docker Engine").out))
        except json.JSONDecodeError:
            raise Undetermined("docker answered with something that is not JSON") from None

    def _reader(self) -> DockerReader:
        self._connection.ready().result()
        with self._docker_lock:
            if self._docker is None:
                self._docker = DockerReader(self._connection.docker_socket, self._scrubber)
            return self._docker

    def _name(self, question: Question[Any]) -> str:
        declared = question.template() if isinstance(question, Command) else question
        return self._names.get(declared, type(question).__name__)


def in_background(work: Callable[[], A]) -> Future[A]:
    """Run it in a thread that never keeps the process from ending."""
    future: Future[A] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _outcome_of(running: Future[Any], question: Question[Any]) -> tuple[Any, Undetermined | None]:
    try:
        answer = running.result()
        if isinstance(answer, Output):
            _forbidden(answer, question)
        return answer, None
    except Undetermined as error:
        return None, error


def _forbidden(output: Output, question: Question[Any]) -> None:
    refusal = _DENIED.search(output.err) if output.status != 0 else None
    if refusal:
        line = next(line for line in output.err.splitlines() if _DENIED.search(line))
        raise Undetermined(f"not allowed: {line.strip()}", right=question.needs)


def _as_text(answer: object) -> dict[str, Any]:
    """An answer as the evidence keeps it."""
    match answer:
        case Output():
            return {"status": answer.status, "answer": answer.out, "errors": answer.err}
        case HttpAnswer():
            head = "\n".join(
                f"{name}: {MASK if name in _SECRET_HEADERS else value}" for name, value in answer.headers.items()
            )
            return {"status": answer.status, "answer": f"{head}\n\n{answer.body}"}
        case Handshake():
            shown = {"protocol": answer.protocol, "error": answer.error, "certificate": _pem(answer.certificate)}
            return {"answer": json.dumps(shown, indent=1)}
        case None:
            return {}
    return {"answer": json.dumps(answer, indent=1, default=str)}


def _pem(certificate: bytes | None) -> str | None:
    return ssl.DER_cert_to_PEM_cert(certificate) if certificate else None
