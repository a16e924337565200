"""A look whose answers are given: for what checks make of them, without a server."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from runbook.model.outcome import Undetermined
from runbook.model.question import Question
from runbook.model.target import Target
from runbook.observation.observer import Observer
from runbook.observation.reply import Reply
from runbook.observation.snapshot import Snapshot


class Answering(Observer):
    """Answers each question as it is told, or says why there is no answer; it has no line to anything."""

    def __init__(self, target: Target, answers: Mapping[Question[Any], object]) -> None:
        self.target = target
        self._answers = answers

    def asked(self, question: Question[Any]) -> Future[Reply[Any]]:
        answer = self._answers[question]
        told: Future[Reply[Any]] = Future()
        told.set_result(Reply(None, answer, 1) if isinstance(answer, Undetermined) else Reply(answer, None, 1))
        return told


def looking(target: Target, answers: Mapping[Question[Any], object]) -> Snapshot:
    """A look at a server that answers like this."""
    return Snapshot(Answering(target, answers))
