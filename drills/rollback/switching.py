"""Section 3.4: back to the release before, and forward again, while requests go on.

Each step waits for the one before. Whatever ends the drill, the undo leads the proxy back to where it led before, and
only then stops what the drill has started. It looks at the proxy's own state each time, since an act that was cut may
still have its effect. Going forward is itself the undo of going back, so its own acts have nothing to undo.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from checks.database.psql import in_database
from checks.deploy.rollback_target import RollbackTarget
from checks.docker.containers import Container, fleet
from checks.edge.health_api import read_health
from drills.rollback.probe import Probe
from drills.rollback.proxy_route import Route, route
from drills.rollback.samples import Sample
from drills.rollback.switch_actions import POST
from runbook.drill.executor import DrillExecutor
from runbook.model.action import Action
from runbook.model.outcome import Mismatch, Undetermined, require
from runbook.model.outside_questions import HttpAnswer
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

HEALTHY_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.5
SEEN_SECONDS = 15.0
SEEN_ANSWERS = 20
OWN_HEALTH = Command("curl -s -w '\\n%{{http_code}}' --noproxy '*' --max-time 3 {url}", seconds=6)
HEALTH_PATH = "/api/v1/health"

COUNTED = in_database(
    "SELECT count({column}), count(DISTINCT {column}) FROM {table} WHERE starts_with({column}, '{mark}')"
)


@dataclass(frozen=True)
class Change:
    """What the drill is about to change, and all that its undo needs to know.

    Attributes:
        older: The release to roll back to.
        newer: The release that runs.
        before: The route as it is.
        left: The route as it is once it leads to the older release.
    """

    older: Container
    newer: Container
    before: Route
    left: Route

    def action_on(self, act: Action, release: Container) -> Action:
        """An act on one of the two releases."""
        to = self.left if release is self.older else self.before
        return act.with_values(
            release=release.name,
            to=to.target,
            target=self.before.target,
            flags=self.before.flags,
            before=self.before.entry,
            left=self.left.entry,
        )


@dataclass
class Rolling:
    """A rollback under way, and the probe beside it.

    Attributes:
        change: What is changed.
        newer_version: What the answers named before anything was changed.
        older_version: What the older release says of itself, once it has been started.
        marks: When things happened, in seconds since the probe began.
    """

    executor: DrillExecutor
    probe: Probe
    change: Change
    newer_version: str = ""
    older_version: str = ""
    marks: dict[str, float] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    counts: tuple[int, int] | None = None

    def mark(self, what: str) -> None:
        """Keep when this happened."""
        self.marks[what] = self.probe.clock()

    def release(self, word: str) -> Container:
        """The ``older`` or the ``newer`` release."""
        return self.change.older if word == "older" else self.change.newer

    def version(self, word: str) -> str:
        """Its version."""
        return self.older_version if word == "older" else self.newer_version


def planned(snapshot: Snapshot, target: RollbackTarget) -> Change:
    """What a rollback to this release changes.

    Raises:
        Undetermined: The proxy's route has something that is not understood here.
    """
    before = snapshot.observe(route)
    port = snapshot.target.containers.web_port
    return Change(target.release, target.running, before, before.to(f"{target.release.name}:{port}"))


def address_as_written(snapshot: Snapshot, release: str) -> str:
    """What section 3.4's own line takes for a release's address: all that it has, one after the other."""
    one = snapshot.observe(fleet).by_host(release)
    return "".join(one.addresses) if one is not None else ""


def begin(executor: DrillExecutor, change: Change) -> Rolling:
    """Let the requests go.

    Raises:
        Undetermined: The rows that they write could not be counted, or taken away.
    """
    probe = Probe(executor.target)
    asked = executor.target.probe
    if asked.post_path:
        act = POST.with_values(table=asked.post_table, column=asked.post_column, mark=probe.mark)
        counted = executor.do(act).required("the rows that the probe's POSTs write")
        if counted.out.strip() != "0":
            raise Undetermined("there are rows with the tokens of this probe already")
    probe.start()
    return Rolling(executor, probe, change)


def own_health(snapshot: Snapshot, name: str) -> str | None:
    """The version that a release says of itself, asked directly; None where it is not healthy yet.

    Raises:
        Mismatch: It will not be.
    """
    one = snapshot.observe(fleet).by_host(name)
    if one is None or not one.running or one.restarting or one.restarts:
        seen = "no such container" if one is None else f"it ended with {one.exit_code}"
        raise Mismatch(expected=f"{name} running", actual=seen, section="10")
    if one.health == "unhealthy":
        raise Mismatch(expected=f"{name} healthy", actual="it is unhealthy", section="10")
    if one.health not in (None, "healthy") or not one.addresses:
        return None
    url = f"http://{one.addresses[0]}:{snapshot.target.containers.web_port}{HEALTH_PATH}"
    answer = snapshot.ask(OWN_HEALTH.with_values(url=url))
    body, _, code = answer.out.rpartition("\n")
    with reading(f"the answer of {name} itself"):
        seen_health = read_health(HttpAnswer(int(code), {}, body))
    good = seen_health.http_status == 200 and seen_health.status == "healthy"
    return seen_health.version if good and seen_health.version in (one.version or seen_health.version,) else None


def wait_until_healthy(executor: DrillExecutor, name: str) -> str:
    """Wait until a release finds itself healthy and its own answer says its version, which is returned.

    Raises:
        Mismatch: It ended, finds itself unhealthy, or is not healthy after `HEALTHY_SECONDS`.
    """
    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        version = own_health(executor.snapshot(), name)
        if version is not None:
            return version
        threading.Event().wait(LOOK_AGAIN_SECONDS)
    raise Mismatch(
        expected=f"{name} healthy within {HEALTHY_SECONDS:g} s", actual="it has not said so by then", section="10"
    )


def wait_until_answering(rolling: Rolling, word: str) -> None:
    """Wait until the last requests of every kind were all answered by one release.

    Raises:
        Mismatch: They were not within `SEEN_SECONDS`.
    """
    version = rolling.version(word)
    quick = {one for one in rolling.probe.streams if not one.slow}

    def all_by_it(since: Sequence[Sample]) -> bool:
        last = [one for one in since if one.stream in quick][-SEEN_ANSWERS:]
        return (
            len(last) == SEEN_ANSWERS
            and {one.stream for one in last} == quick
            and all(one.served and one.release == version for one in last)
        )

    require(
        rolling.probe.wait_until(all_by_it, SEEN_SECONDS),
        expected=f"{SEEN_ANSWERS} answers in a row of version {version} within {SEEN_SECONDS:g} s",
        actual=_versions(rolling.probe.samples()[-SEEN_ANSWERS:]),
        section="2.3",
    )


def count_posts(rolling: Rolling) -> None:
    """Send no more POSTs, and count the rows that there are of them."""
    asked = rolling.executor.target.probe
    rolling.probe.post_no_more()
    question = COUNTED.with_values(table=asked.post_table, column=asked.post_column, mark=rolling.probe.mark)
    told = rolling.executor.snapshot().ask(question).required("the rows that the probe's POSTs wrote")
    with reading("the rows that the probe's POSTs wrote"):
        rows, tokens = (int(one) for one in told.out.strip().split("|"))
        rolling.counts = rows, tokens


def _versions(samples: Sequence[Sample]) -> str:
    found = sorted({one.release or "no version" if one.served else "no success" for one in samples})
    return ", ".join(found) or "no answer"
