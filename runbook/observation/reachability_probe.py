"""What a server looks like from outside once a line to it has failed: its name and its edge, asked once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from runbook.model.outcome import Undetermined
from runbook.model.port_state import PortState
from runbook.model.question import Question
from runbook.model.target import Target
from runbook.observation.reply import Reply
from runbook.process.daemon_threads import Workers
from runbook.transport import reachability
from runbook.transport.http_tls import NoAnswer
from runbook.transport.reachability import Part

OUTLOOK_SECONDS = 10.0
"""How long the line of what is seen from outside is waited for; its questions have 4 seconds each."""


class ReachabilityProbe:
    """Asks for the name and the edge of one target.

    Args:
        target: The server.
        put: Puts a question on the wire; the returned function waits for what comes of it.
    """

    def __init__(self, target: Target, put: Callable[[Question[Any]], Callable[[], Reply[Any]]]) -> None:
        self._target = target
        self._put = put
        self._parts: tuple[Future[Part], Future[Part]] | None = None
        self._lock = threading.Lock()
        self._asking = Workers(2)  # these wait for what others do

    def begin(self) -> None:
        """Ask, where that was not done yet."""
        with self._lock:
            if self._parts is None:
                self._parts = self._asking.do(self._name_part), self._asking.do(self._edge_part)

    def line(self, ssh: PortState | None, *, named: bool) -> str | None:
        """What is seen, in one line; None where nobody asked.

        Args:
            ssh: What the line met, where one was tried.
            named: Whether the line begins with the service's domain.
        """
        if self._parts is None:
            return None
        name, edge = self._parts
        wait(self._parts, OUTLOOK_SECONDS)
        parts = [
            _known(name, reachability.name_part(self._target.address, None, "no answer yet")),
            _known(edge, reachability.edge_part(self._target.edge.https_port, PortState.NOT_YET)),
        ]
        if ssh is not None:
            parts.append(reachability.ssh_part(self._target.ssh.port, ssh))
        return reachability.line_of(self._target.domain if named else None, tuple(parts))

    def _name_part(self) -> Part:
        if self._target.dns.resolver is None:
            return reachability.name_part(self._target.address, None, None)
        told = self._put(reachability.NAME)()
        return reachability.name_part(self._target.address, told.answer, str(told.error) if told.error else None)

    def _edge_part(self) -> Part:
        waiting = [self._put(reachability.EDGE), self._put(reachability.CHAIN)]
        shown, trusted = [told() for told in waiting]
        port = self._target.edge.https_port
        if isinstance(shown.error, NoAnswer):
            return reachability.edge_part(port, shown.error.port_state)
        if shown.answer is None or shown.answer.error is not None:
            return reachability.edge_part(port, PortState.NO_TLS, shown.answer.error if shown.answer else None)
        if trusted.answer is not None and trusted.answer.error is not None:
            return reachability.edge_part(port, PortState.UNTRUSTED, trusted.answer.error)
        return reachability.edge_part(port, PortState.OK)


def _known(part: Future[Part], otherwise: Part) -> Part:
    """This part of the line, where it could be told in time."""
    if not part.done() or isinstance(part.exception(), Undetermined):
        return otherwise
    return part.result()
