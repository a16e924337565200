"""The object that a check's look holds: it asks declared questions of one target, and can do nothing else.

Every exchange is recorded here, where it happens. What an account may not do is recognised here too, so that no
check has to.

Which thread may touch what. pytest runs the scenarios in the main thread, and at each it walks the table of loggers and
changes the environment; whoever else does so at that moment breaks it, or is broken.

=====================  =========================================================================================
loggers                the main thread. What makes some when it is imported or first used is made ready in
                       `Observer.expect`, before threads begin, and only where it will be asked
environment            the main thread. Threads may look for one variable by its name (so does whatever starts a
                       process); none walks or changes it. Keys and tokens are read when what holds them is made
current directory      nobody changes it
signal handlers        the main thread
evidence, redactor     every thread: they lock themselves. An exchange is recorded before who waits has its answer
the line, a channel    every thread. Futures are told under a channel's lock: what hears of one does nothing that waits
a look, its checks     a thread for each check, which waits for answers; a question has no thread of its own
what is asked here     `Workers`, at most `AT_ONCE` for all kinds and as many again for S3 as it has connections; a
                       question that is asked by them waits for no other question
processes              one thread starts those that carry the line (`runbook.processes`)
=====================  =========================================================================================
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from runbook import journal, reachability, rights
from runbook.channel import LineLost
from runbook.connection import Connection
from runbook.docker_api import DockerReader, EngineSilent, EngineUnreachable, Scrubber
from runbook.evidence import Evidence
from runbook.met import Met
from runbook.outcome import Undetermined
from runbook.outside import NoAnswer, Outside
from runbook.question import (
    S3,
    Command,
    Containers,
    Dns,
    GitHub,
    Handshake,
    Http,
    HttpAnswer,
    Images,
    Inspection,
    Output,
    Port,
    Question,
    Resolution,
    S3Answer,
    Tls,
    facts_of,
    lines_of,
)
from runbook.reachability import Part
from runbook.redaction import MASK, Redactor
from runbook.s3 import AT_ONCE as S3_AT_ONCE
from runbook.s3 import OffSiteBucket
from runbook.silence import Silence
from runbook.target import Target
from runbook.workers import Workers
from runbook.workers import in_background as in_background

A = TypeVar("A")

_DENIED = re.compile(
    r"permission denied|operation not permitted|must be privileged|password is required|not in the sudoers"
    r"|not allowed to (use|execute)|dial unix .*: connect: permission denied",
    re.IGNORECASE,
)
_SECRET_HEADERS = {"set-cookie"}
AT_ONCE = 24
"""How many questions are asked at once of what is not asked over the line: the edge, GitHub, the Docker Engine."""

RECORDED_AT_ONCE = 2
OUTLOOK_SECONDS = 10.0
"""How long the line of what is seen from outside is waited for; its questions have 4 seconds each."""

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
        self._offsite = OffSiteBucket(target.offsite, redactor.learn)
        self._scrubber = Scrubber(redactor.learn)
        self._docker: DockerReader | None = None
        self._docker_lock = threading.Lock()
        self._silence = Silence()
        self._outlook: tuple[Future[Part], Future[Part]] | None = None
        self._outlook_lock = threading.Lock()
        self._asking = Workers(AT_ONCE)
        self._asking_s3 = Workers(S3_AT_ONCE)
        self._looking_out = Workers(2)  # these wait for what the others do
        self._recording = Workers(RECORDED_AT_ONCE)

    def expect(self, questions: Iterable[Question[Any]]) -> None:
        """Know what is about to be asked, in the main thread and before others begin.

        Evidence waits for the answer that tells what must stay on the server. What reads the environment or makes
        loggers when it is first used is used now.
        """
        kinds = {type(question) for question in questions}
        if Containers in kinds:
            self._evidence.hold()
        if S3 in kinds and self.target.offsite.bucket:
            self._offsite.prepare()

    def put(self, question: Question[A]) -> Callable[[], Told[A]]:
        """Put the question on the wire; the returned function waits for what comes of it."""
        return self.asked(question).result

    def asked(self, question: Question[A]) -> Future[Told[A]]:
        """Put the question on the wire; what comes of it is recorded, and then comes through the future."""
        told: Future[Told[A]] = Future()
        started, clock = datetime.now(UTC), time.monotonic()

        def ended(running: Future[Any]) -> None:
            seconds = time.monotonic() - clock
            self._recording.do(partial(self._told, running, question, started, seconds), told)

        try:
            self._begin(question).add_done_callback(ended)
        except Undetermined as error:
            ended(_failed(error))
        return told

    def _told(self, running: Future[Any], question: Question[A], started: datetime, seconds: float) -> Told[A]:
        answer, error = _outcome_of(running, question)
        of_target = question.vantage == "outside" and not isinstance(question, GitHub | S3)
        if isinstance(error, LineLost) or (error is not None and of_target):
            self.look_out()
        if isinstance(question, Containers):
            self._evidence.release(learned=error is None)
        sequence = self._evidence.record(
            question=self._name(question),
            asked=question.told(self._facts),
            vantage=question.vantage,
            started=started,
            seconds=seconds,
            error=str(error) if error else None,
            may_hold_secrets=isinstance(question, Command) and question.needs is not rights.LOGIN,
            **_as_text(answer, question),
        )
        return Told(answer, error, sequence)

    def greeting(self) -> tuple[str, float]:
        """As whom the server sees us, and how many seconds its clock is ahead of ours.

        Raises:
            Undetermined: There is no line to it, and why.
        """
        hello = self._connection.ready().result().required("the server's greeting")
        try:
            account, clock = hello.lines[0], float(hello.lines[-1].removesuffix(".%N"))  # not every date has %N
            return account, round(clock - self._connection.greeted_at(), 1)
        except (IndexError, ValueError, OverflowError) as error:
            raise Undetermined(f"the server's greeting could not be read: {type(error).__name__}: {error}") from None

    @property
    def connection(self) -> Connection:
        """The line to the server as it stands now."""
        return self._connection

    def reconnect(self) -> None:
        """Hang up what is left of a lost line, and take a new one for what is asked from now on."""
        self._hang_up()
        self.listen_anew()
        self._connection = Connection(self.target)

    def listen_anew(self) -> None:
        """Ask a Docker Engine again that has given no answer."""
        self._silence = Silence()

    def line(self, *, named: bool = True) -> str | None:
        """What the server looks like from outside, in one line; None where no line to it has failed and nobody asked.

        The name and the edge are asked as soon as a line fails; the ssh port is not tried again.

        Args:
            named: Whether the line begins with the service's domain.
        """
        met = self._connection.met()
        if met not in (None, Met.OK, Met.NOT_YET):
            self.look_out()
        if self._outlook is None:
            return None
        name, edge = self._outlook
        wait(self._outlook, OUTLOOK_SECONDS)
        parts = [
            _known(name, reachability.name_part(self.target.address, None, "no answer yet")),
            _known(edge, reachability.edge_part(self.target.edge.https_port, Met.NOT_YET)),
        ]
        if met is not None:
            parts.append(reachability.ssh_part(self.target.ssh.port, met))
        return reachability.line_of(self.target.domain if named else None, tuple(parts))

    def look_out(self) -> None:
        """Ask for the name and the edge, once: what the line needs of them."""
        with self._outlook_lock:
            if self._outlook is None:
                self._outlook = self._looking_out.do(self._name_part), self._looking_out.do(self._edge_part)

    def _name_part(self) -> Part:
        if self.target.dns.resolver is None:
            return reachability.name_part(self.target.address, None, None)
        told = self.put(reachability.NAME)()
        return reachability.name_part(self.target.address, told.answer, str(told.error) if told.error else None)

    def _edge_part(self) -> Part:
        waiting = [self.put(reachability.EDGE), self.put(reachability.CHAIN)]
        shown, trusted = [told() for told in waiting]
        port = self.target.edge.https_port
        if isinstance(shown.error, NoAnswer):
            return reachability.edge_part(port, shown.error.met)
        if shown.answer is None or shown.answer.error is not None:
            return reachability.edge_part(port, Met.NO_TLS, shown.answer.error if shown.answer else None)
        if trusted.answer is not None and trusted.answer.error is not None:
            return reachability.edge_part(port, Met.UNTRUSTED, trusted.answer.error)
        return reachability.edge_part(port, Met.OK)

    def close(self) -> None:
        """Hang up. Nothing is waited for that could be waited for in vain."""
        self._outside.close()
        self._offsite.close()
        self._hang_up()

    def _hang_up(self) -> None:
        with self._docker_lock:
            docker, self._docker = self._docker, None
        if docker is not None:
            docker.close()
        self._connection.close()

    def _begin(self, question: Question[Any]) -> Future[Any]:
        match question:
            case Command():
                script = question.told(self._facts)
                if question.lane == "docker":
                    return self._silence.unless(lambda: self._connection.run(script, question.seconds, "docker"))
                return self._connection.run(script, question.seconds, question.lane)
            case Containers():
                return self._asking.do(lambda: self._of_engine(self._containers, question))
            case Images():
                return self._asking.do(lambda: self._of_engine(self._images, question))
            case Http():
                return self._asking.do(lambda: self._outside.http(question))
            case GitHub():
                return self._asking.do(lambda: self._outside.github(question))
            case S3():
                return self._asking_s3.do(lambda: self._offsite.ask(question))
            case Tls():
                return self._asking.do(lambda: self._outside.tls(question))
            case Dns():
                return self._asking.do(lambda: self._outside.dns(question))
            case Port(serves="ssh"):
                return self._asking.do(self._ssh_port)
            case Port():
                return self._asking.do(lambda: self._outside.port(question))
        raise TypeError(f"nobody knows how to ask a {type(question).__name__}")

    def _ssh_port(self) -> Met:
        """What the line met; where nothing answered, this is undetermined as is all that is asked over it."""
        try:
            self._connection.ready().result()
        except LineLost as error:
            if error.met.answered:
                return error.met
            raise
        return Met.OK

    def _of_engine(self, ask: Callable[[Question[A]], A], question: Question[A]) -> A:
        """What the engine answers; one that gives no answer is asked no second time, by whatever way."""
        try:
            return ask(question)
        except EngineSilent as error:
            self._silence.falls(error)
            raise

    def _containers(self, question: Question[tuple[Inspection, ...]]) -> tuple[Inspection, ...]:
        try:
            return self._reader().containers()
        except EngineUnreachable:
            inspected = self._by_command(CONTAINERS_BY_COMMAND, question)
            return tuple(self._scrubber.container(one) for one in inspected)

    def _images(self, question: Question[tuple[Inspection, ...]]) -> tuple[Inspection, ...]:
        try:
            return self._reader().images()
        except EngineUnreachable:
            inspected = self._by_command(IMAGES_BY_COMMAND, question)
            return tuple(self._scrubber.image(one) for one in inspected)

    def _by_command(self, script: str, question: Question[Any]) -> tuple[Inspection, ...]:
        """Where the socket cannot be forwarded or the account needs sudo, docker itself answers the same."""
        output = self._connection.run(script, question.seconds, "docker").result()
        _forbidden(output, question)
        try:
            told = json.loads(output.required("the Docker Engine").out)
        except (json.JSONDecodeError, RecursionError):
            raise Undetermined("docker answered with something that is not JSON") from None
        if not isinstance(told, list):
            raise Undetermined("docker answered with something that is not a list")
        return tuple(told)

    def _reader(self) -> DockerReader:
        self._connection.ready().result()
        with self._docker_lock:
            self._silence.require_none()
            if self._docker is None:
                self._docker = DockerReader(self._connection.docker_socket, self._scrubber)
            return self._docker

    def _name(self, question: Question[Any]) -> str:
        declared = question.template()
        known = {**reachability.NAMES, **journal.NAMES, **self._names}
        return known.get(declared) or type(question).__name__


def _known(part: Future[Part], otherwise: Part) -> Part:
    """This part of the line, where it could be told in time."""
    if not part.done() or isinstance(part.exception(), Undetermined):
        return otherwise
    return part.result()


def _failed(error: Undetermined) -> Future[Any]:
    failed: Future[Any] = Future()
    failed.set_exception(error)
    return failed


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
        line = next(line for line in lines_of(output.err) if _DENIED.search(line))
        raise Undetermined(f"not allowed: {line.strip()}", right=question.needs)


def _as_text(answer: object, question: Question[Any]) -> dict[str, Any]:
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
            whole = not isinstance(question, Http) or question.keep_body
            body = answer.body if whole else f"[a body of {len(answer.body)} characters, not kept]"
            return {"status": answer.status, "answer": f"{head}\n\n{body}"}
        case S3Answer():
            said = {"code": answer.code, **answer.told}
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
