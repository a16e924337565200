"""A scenario is looked at again by answers that were kept: it comes to what it came to on the lab."""

from __future__ import annotations

from typing import Any

import pytest

from checks.docker.containers import CONTAINERS, NOW
from checks.server.disk_space import DISKS, MOUNTS
from runbook.model.outcome import Outcome, Undetermined
from runbook.model.question import Output, Question
from tests.mutation import replay
from tests.mutation.replay import Recording
from tests.unit.test_disk_space import INODES, PATHS, ROOT, SPACE, TARGET

ROOM = next(one for one in replay.looked_at() if one.id == "every-disk-has-room")


def _recording(used: int, containers: object = ()) -> Recording:
    answers: dict[Question[Any], object] = {
        CONTAINERS: containers,
        NOW: Output(0, "1790000000\n", ""),
        MOUNTS.with_values(sources=[]): Output(0, PATHS + ROOT, ""),
        DISKS.with_values(mounts=["/"]): Output(
            0, f"{SPACE}/dev/vda1 100 {used} {100 - used} {used}% /\n\n{INODES}/dev/vda1 100 1 99 1% /\n", ""
        ),
    }
    return Recording("disk-full-backups", TARGET, answers)


@pytest.mark.parametrize(("used", "outcome"), [(79, Outcome.PASSED), (80, Outcome.FAILED)])
def test_the_sentence_is_held_to_its_own_number(used: int, outcome: Outcome) -> None:
    assert replay.looked_again(_recording(used), ROOM) is outcome


def test_what_had_no_answer_has_none_again() -> None:
    untold = _recording(10, Undetermined("no SSH connection to the server"))
    assert replay.looked_again(untold, ROOM) is Outcome.UNDETERMINED


def test_what_was_never_asked_breaks_and_is_no_outcome() -> None:
    assert replay.looked_again(Recording("disk-full-backups", TARGET, {}), ROOM) == "KeyError"


def test_a_scenario_that_stands_on_a_bad_one_tells_nothing() -> None:
    (api,) = [one for one in replay.looked_at() if one.id == "the-api-is-healthy"]
    assert replay.folded(api, {"the-application-itself-answers-the-health-check"})
    assert not replay.folded(api, {"every-disk-has-room"})
