"""The object that a check's look holds: it asks declared questions of one target, and can do nothing else.

Every exchange is recorded here, where it happens. What an account may not do is recognised here too, so that no
check has to.

Which thread may touch what. pytest runs the scenarios in the main thread, and at each it walks the table of loggers and
changes the environment; whoever else does so at that moment breaks it, or is broken.

=====================  =========================================================================================
loggers                the main thread. What makes some when it is imported or first used is made ready in
                       `Observer.announce`, before threads begin, and only where it will be asked
environment            the main thread. Threads may look for one variable by its name (so does whatever starts a
                       process); none walks or changes it. Keys and tokens are read when what holds them is made
current directory      nobody changes it
signal handlers        the main thread
evidence, redactor     every thread: they lock themselves. An exchange is recorded before who waits has its answer
the line, a channel    every thread. Futures are told under a channel's lock: what hears of one does nothing that waits
a look, its checks     a thread for each check, which waits for answers; a question has no thread of its own
what is asked here     `Workers`, at most `AT_ONCE` for all kinds and as many again for S3 as it has connections; a
                       question that is asked by them waits for no other question
processes              one thread starts those that carry the line (`runbook.process.child_processes`)
=====================  =========================================================================================
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import Any

from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import (
    DnsQuery,
    GitHubGet,
    HttpGet,
    PortProbe,
    S3Get,
    TlsHandshake,
)
from runbook.model.port_state import PortState
from runbook.model.question import Command, Inspection, ListContainers, ListImages, Question
from runbook.model.target import Target
from runbook.model.template import template_values
from runbook.observation.evidence import Evidence
from runbook.observation.reachability_probe import ReachabilityProbe
from runbook.observation.redaction import Redactor
from runbook.observation.reply import A, Reply, as_text, failed, outcome_of, require_allowed
from runbook.process.daemon_threads import Workers
from runbook.process.daemon_threads import in_background as in_background
from runbook.transport import reachability
from runbook.transport.circuit_breaker import CircuitBreaker
from runbook.transport.connection_lost import ConnectionLost
from runbook.transport.docker_engine import DockerReader, EngineSilent, EngineUnreachable, Scrubber
from runbook.transport.http_tls import Outside
from runbook.transport.s3 import AT_ONCE as S3_AT_ONCE
from runbook.transport.s3 import OffSiteBucket
from runbook.transport.ssh import Connection

AT_ONCE = 24
"""How many questions are asked at once of what is not asked over the line: the edge, GitHub, the Docker Engine."""

RECORDED_AT_ONCE = 2
CONTAINERS_BY_COMMAND = 'ids=$(docker ps -aq --no-trunc) || exit; [ -z "$ids" ] && echo "[]" || docker inspect $ids'
IMAGES_BY_COMMAND = (
    'ids=$(docker images -q --no-trunc) || exit; [ -z "$ids" ] && echo "[]" || docker image inspect $ids'
)


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
        self._facts = template_values(target)
        self._evidence = evidence
        self._names = names
        self._connection = Connection(target)
        self._outside = Outside(target)
        self._offsite = OffSiteBucket(target.offsite, redactor.learn)
        self._scrubber = Scrubber(redactor.learn)
        self._docker: DockerReader | None = None
        self._docker_lock = threading.Lock()
        self._breaker = CircuitBreaker()
        self._outlook = ReachabilityProbe(target, self.put)
        self._asking = Workers(AT_ONCE)
        self._asking_s3 = Workers(S3_AT_ONCE)
        self._recording = Workers(RECORDED_AT_ONCE)

    def announce(self, questions: Iterable[Question[Any]]) -> None:
        """Know what is about to be asked, in the main thread and before others begin.

        Evidence waits for the answer that tells what must stay on the server. What reads the environment or makes
        loggers when it is first used is used now.
        """
        kinds = {type(question) for question in questions}
        if ListContainers in kinds:
            self._evidence.hold()
        if S3Get in kinds and self.target.offsite.bucket:
            self._offsite.prepare()

    def put(self, question: Question[A]) -> Callable[[], Reply[A]]:
        """Put the question on the wire; the returned function waits for what comes of it."""
        return self.asked(question).result

    def asked(self, question: Question[A]) -> Future[Reply[A]]:
        """Put the question on the wire; what comes of it is recorded, and then comes through the future."""
        told: Future[Reply[A]] = Future()
        started, clock = datetime.now(UTC), time.monotonic()

        def ended(running: Future[Any]) -> None:
            seconds = time.monotonic() - clock
            self._recording.do(partial(self._told, running, question, started, seconds), told)

        try:
            self._begin(question).add_done_callback(ended)
        except Undetermined as error:
            ended(failed(error))
        return told

    def _told(self, running: Future[Any], question: Question[A], started: datetime, seconds: float) -> Reply[A]:
        answer, error = outcome_of(running, question)
        of_target = question.vantage == "outside" and not isinstance(question, GitHubGet | S3Get)
        if isinstance(error, ConnectionLost) or (error is not None and of_target):
            self.probe_reachability()
        if isinstance(question, ListContainers):
            self._evidence.release(learned=error is None)
        sequence = self._evidence.record(
            question=self._name(question),
            asked=question.render(self._facts),
            vantage=question.vantage,
            started=started,
            seconds=seconds,
            error=str(error) if error else None,
            may_hold_secrets=isinstance(question, Command) and question.needs is not rights.LOGIN,
            **as_text(answer, question),
        )
        return Reply(answer, error, sequence)

    def identify(self) -> tuple[str, float]:
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
        self.reset_breaker()
        self._connection = Connection(self.target)

    def reset_breaker(self) -> None:
        """Ask a Docker Engine again that has given no answer."""
        self._breaker = CircuitBreaker()

    def line(self, *, named: bool = True) -> str | None:
        """What the server looks like from outside, in one line; None where no line to it has failed and nobody asked.

        The name and the edge are asked as soon as a line fails; the ssh port is not tried again.

        Args:
            named: Whether the line begins with the service's domain.
        """
        port_state = self._connection.port_state()
        if port_state not in (None, PortState.OK, PortState.NOT_YET):
            self.probe_reachability()
        return self._outlook.line(port_state, named=named)

    def probe_reachability(self) -> None:
        """Ask for the name and the edge, once: what the line needs of them."""
        self._outlook.begin()

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
                script = question.render(self._facts)
                if question.lane == "docker":
                    return self._breaker.call(lambda: self._connection.run(script, question.seconds, "docker"))
                return self._connection.run(script, question.seconds, question.lane)
            case ListContainers():
                return self._asking.do(lambda: self._of_engine(self._containers, question))
            case ListImages():
                return self._asking.do(lambda: self._of_engine(self._images, question))
            case HttpGet():
                return self._asking.do(lambda: self._outside.http(question))
            case GitHubGet():
                return self._asking.do(lambda: self._outside.github(question))
            case S3Get():
                return self._asking_s3.do(lambda: self._offsite.ask(question))
            case TlsHandshake():
                return self._asking.do(lambda: self._outside.tls(question))
            case DnsQuery():
                return self._asking.do(lambda: self._outside.dns(question))
            case PortProbe(serves="ssh"):
                return self._asking.do(self._ssh_port)
            case PortProbe():
                return self._asking.do(lambda: self._outside.port(question))
        raise TypeError(f"nobody knows how to ask a {type(question).__name__}")

    def _ssh_port(self) -> PortState:
        """What the line met; where nothing answered, this is undetermined as is all that is asked over it."""
        try:
            self._connection.ready().result()
        except ConnectionLost as error:
            if error.port_state.answered:
                return error.port_state
            raise
        return PortState.OK

    def _of_engine(self, ask: Callable[[Question[A]], A], question: Question[A]) -> A:
        """What the engine answers; one that gives no answer is asked no second time, by whatever way."""
        try:
            return ask(question)
        except EngineSilent as error:
            self._breaker.trip(error)
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
        require_allowed(output, question)
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
            self._breaker.check()
            if self._docker is None:
                self._docker = DockerReader(self._connection.docker_socket, self._scrubber)
            return self._docker

    def _name(self, question: Question[Any]) -> str:
        declared = question.template()
        known = {**reachability.NAMES, **self._names}
        return known.get(declared) or type(question).__name__
