"""Section 3.4: back to the release before, and forward again, while requests go on.

Each step waits for the one before. Whatever ends the drill, the undo leads the proxy back to where it led before, and
only then stops what the drill has started. It looks at the proxy's own state each time, since an act that was cut may
still have its effect. Going forward is itself the undo of going back, so its own acts have nothing to undo.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from checks.containers import Container, fleet
from checks.health import read_health
from checks.in_database import in_database
from checks.rollback_target import RollbackTarget
from drills import probe as probing
from drills import route as routes
from drills.probe import Probe, Sample, Summary, summary
from drills.route import Route, route
from runbook.act import Act
from runbook.look import Look, reading
from runbook.operator import Operator
from runbook.outcome import Differs, Undetermined, require
from runbook.question import Command, HttpAnswer

HEALTHY_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.5
SEEN_SECONDS = 15.0
SEEN_ANSWERS = 20
LOST_SHOWN = 20

OWN_HEALTH = Command("curl -s -w '\\n%{{http_code}}' --noproxy '*' --max-time 3 {url}", seconds=6)
HEALTH_PATH = "/api/v1/health"

ENTRY = "entry() {{\n" + routes.READ + "\n}}\n"
DEPLOY = (
    "docker exec {proxy} kamal-proxy deploy {proxy_service} --target={%s} {flags} "
    "--deploy-timeout=30s --drain-timeout=30s"
)
LEAD_BACK = (
    ENTRY
    + """\
now=$(entry) || exit 1
case $now in
  {before}) ;;
  %s)
    """
    + DEPLOY % "target"
    + """ &&
      [ "$(entry)" = {before} ] || {{ echo "the proxy could not be led back"; exit 1; }} ;;
  "") echo "the route of the proxy could not be read"; exit 1 ;;
  *) echo "interfered: somebody else has changed the route of the proxy"; exit 3 ;;
esac
"""
)
"""Right in every state: it acts only where the proxy leads to where the drill has led it."""

RUNNING = """\
found=$(docker ps --all --quiet --no-trunc --filter 'name=^/'{release}'$') || exit 1
[ -n "$found" ] || {{ echo "interfered: somebody else has removed "{release}; exit 3; }}
running=$(docker inspect --format '{{{{.State.Running}}}}' "$found") || exit 1
"""
"""That a container is gone is a finding only where the engine answers: where it does not, nothing is known."""

STOP_STARTED = RUNNING + '[ "$running" = false ] || docker stop --time 20 {release}'

START = Act("docker start {release}", LEAD_BACK % "{left}" + STOP_STARTED, seconds=20, undo_seconds=110)
SWITCH = Act(DEPLOY % "to", LEAD_BACK % "{left}", seconds=75, undo_seconds=75)
STOP = Act(
    "docker stop --time 20 {release}",
    ENTRY
    + RUNNING
    + """\
# While the proxy routes elsewhere, a stop that was cut may still be in progress: to stop again waits for its end.
[ "$running" = false ] || [ "$(entry)" != {left} ] || docker stop --time 20 {release}
docker start {release}""",
    seconds=30,
    undo_seconds=60,
)

FORWARD = ": going forward is itself the undo of going back"
START_AGAIN = Act("docker start {release}", FORWARD, seconds=20)
SWITCH_BACK = Act(DEPLOY % "to", FORWARD, seconds=75)
STOP_AGAIN = Act("docker stop --time 20 {release}", FORWARD, seconds=30)

AS_WRITTEN = Act(
    "docker exec {proxy} kamal-proxy deploy {proxy_service} --target {address}:{web_port} --host {domain}",
    LEAD_BACK % """*'"active_targets":["'{address}:{web_port}'"]'*""",
    seconds=75,
    undo_seconds=75,
)
"""Section 3.4's own switch. Its last command, which would stop the release that is well, is left out.

Its address is what the release had then: a later one says nothing of what the drill has left.
"""

IN_DATABASE = """\
docker exec {db} sh -c 'exec psql -XAtq -v ON_ERROR_STOP=1 -U "${{POSTGRES_USER:-postgres}}" -d "$1" -c "$2"' \
  sh {database} "%s" """
ROWS = "{table} WHERE starts_with({column}, '{mark}')"
POST = Act(
    IN_DATABASE % ("SELECT count({column}) FROM " + ROWS),
    IN_DATABASE % ("DELETE FROM " + ROWS),
)
"""The probe's POSTs write a row each: none is sent before it is known that they can be counted and taken away."""

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

    def about(self, act: Act, release: Container) -> Act:
        """An act on one of the two releases."""
        to = self.left if release is self.older else self.before
        return act.about(
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

    operator: Operator
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


def planned(look: Look, target: RollbackTarget) -> Change:
    """What a rollback to this release changes.

    Raises:
        Undetermined: The proxy's route has something that is not understood here.
    """
    before = look.see(route)
    port = look.target.containers.web_port
    return Change(target.release, target.running, before, before.to(f"{target.release.name}:{port}"))


def address_as_written(look: Look, release: str) -> str:
    """What section 3.4's own line takes for a release's address: all that it has, one after the other."""
    one = look.see(fleet).called(release)
    return "".join(one.addresses) if one is not None else ""


def begin(operator: Operator, change: Change) -> Rolling:
    """Let the requests go.

    Raises:
        Undetermined: The rows that they write could not be counted, or taken away.
    """
    probe = Probe(operator.target)
    asked = operator.target.probe
    if asked.post_path:
        act = POST.about(table=asked.post_table, column=asked.post_column, mark=probe.mark)
        counted = operator.do(act).required("the rows that the probe's POSTs write")
        if counted.out.strip() != "0":
            raise Undetermined("there are rows with the tokens of this probe already")
    probe.start()
    return Rolling(operator, probe, change)


def own_health(look: Look, name: str) -> str | None:
    """The version that a release says of itself, asked directly; None where it is not healthy yet.

    Raises:
        Differs: It will not be.
    """
    one = look.see(fleet).called(name)
    if one is None or not one.running or one.restarting or one.restarts:
        seen = "no such container" if one is None else f"it ended with {one.exit_code}"
        raise Differs(expected=f"{name} running", seen=seen, go_to="10")
    if one.health == "unhealthy":
        raise Differs(expected=f"{name} healthy", seen="it is unhealthy", go_to="10")
    if one.health not in (None, "healthy") or not one.addresses:
        return None
    url = f"http://{one.addresses[0]}:{look.target.containers.web_port}{HEALTH_PATH}"
    answer = look.ask(OWN_HEALTH.about(url=url))
    body, _, code = answer.out.rpartition("\n")
    with reading(f"the answer of {name} itself"):
        seen_health = read_health(HttpAnswer(int(code), {}, body))
    good = seen_health.http_status == 200 and seen_health.status == "healthy"
    return seen_health.version if good and seen_health.version in (one.version or seen_health.version,) else None


def wait_until_healthy(operator: Operator, name: str) -> str:
    """Wait until a release finds itself healthy and its own answer says its version, which is returned.

    Raises:
        Differs: It ended, finds itself unhealthy, or is not healthy after `HEALTHY_SECONDS`.
    """
    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        version = own_health(operator.look(), name)
        if version is not None:
            return version
        threading.Event().wait(LOOK_AGAIN_SECONDS)
    raise Differs(
        expected=f"{name} healthy within {HEALTHY_SECONDS:g} s", seen="it has not said so by then", go_to="10"
    )


def wait_until_answering(rolling: Rolling, word: str) -> None:
    """Wait until the last requests of every kind were all answered by one release.

    Raises:
        Differs: They were not within `SEEN_SECONDS`.
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
        seen=_versions(rolling.probe.samples()[-SEEN_ANSWERS:]),
        go_to="2.3",
    )


def count_posts(rolling: Rolling) -> None:
    """Send no more POSTs, and count the rows that there are of them."""
    asked = rolling.operator.target.probe
    rolling.probe.post_no_more()
    question = COUNTED.about(table=asked.post_table, column=asked.post_column, mark=rolling.probe.mark)
    told = rolling.operator.look().ask(question).required("the rows that the probe's POSTs wrote")
    with reading("the rows that the probe's POSTs wrote"):
        rows, tokens = (int(one) for one in told.out.strip().split("|"))
        rolling.counts = rows, tokens


def none_lost(seen: Summary) -> None:
    """Judge that no request was lost or left unsent.

    Raises:
        Differs: One was.
        Undetermined: It may be that only the probe itself was late.
    """
    ends = ", ".join(f"{end}: {count}" for end, count in seen.ends.items())
    told = f"{seen.lost} lost and {seen.unsent} unsent of {seen.sent} ({ends})"
    if seen.doubtful:
        raise Undetermined(f"{told}, but the probe itself was late by up to {seen.lag_ms:.0f} ms: this machine is busy")
    require(seen.sent and not seen.lost and not seen.unsent, expected="0 lost and 0 unsent", seen=told, go_to="3.1")


def finish(rolling: Rolling) -> Summary:
    """End the probe and keep what it saw: figures, the picture, the evidence."""
    samples = rolling.probe.end()
    seen = summary(samples)
    for name, value, objective, within in _figures(rolling, samples, seen):
        rolling.operator.figure(name, value, objective=objective, within=within)
    title = "Requests by the time at which they were sent, and the release that answered them"
    rolling.operator.timelines.append(probing.timeline(title, samples))
    rolling.operator.evidence.record(
        question="rollback.PROBE",
        asked="\n".join(str(one) for one in rolling.probe.streams),
        vantage="outside",
        started=rolling.began,
        seconds=max((one.done for one in samples), default=0.0),
        answer=json.dumps(_told(rolling, samples, seen), indent=1),
    )
    return seen


def _figures(
    rolling: Rolling, samples: Sequence[Sample], seen: Summary
) -> Iterator[tuple[str, str, str | None, bool | None]]:
    marks = rolling.marks
    for what, begun, ended in (("go back", "back", "back seen"), ("go forward", "forward", "forward seen")):
        if ended in marks:
            yield f"time to {what}, from the start of the release", f"{marks[ended] - marks[begun]:.1f} s", None, None
    for what, begun, ended, pair in (
        ("back", "switch back", "back seen", (rolling.newer_version, rolling.older_version)),
        ("forward", "switch forward", "forward seen", (rolling.older_version, rolling.newer_version)),
    ):
        if ended not in marks:
            continue
        both = probing.changeover_ms(samples, *pair, since=marks[begun], until=marks[ended])
        if both is not None:
            yield f"both releases answered, going {what}", f"for {both:.0f} ms", None, None
    streams = rolling.probe.streams
    rate = sum(one.per_second for one in streams)
    yield "requests sent", f"{seen.sent:,} ({rate:g} a second, at a fixed rate)", None, None
    yield "requests lost", f"{seen.lost} of {seen.sent:,}{_bound(seen)}", "0", seen.lost == 0
    yield "requests left unsent", str(seen.unsent), "0", seen.unsent == 0
    yield "how they ended", ", ".join(f"{end}: {count:,}" for end, count in seen.ends.items()), None, None
    before = summary(one for one in samples if one.done <= marks.get("back", 0.0))
    for name, of in (("latency before the drill", before), ("latency", seen)):
        if of.latencies_ms is not None:
            median, most, nearly_all, longest = of.latencies_ms
            yield (
                f"{name}, from when a request was due",
                f"median {median:.0f} ms, 95 % {most:.0f} ms, 99 % {nearly_all:.0f} ms, longest {longest:.0f} ms",
                None,
                None,
            )
    if seen.longest_gap_ms is not None:
        told = f"{seen.longest_gap_ms:.0f} ms (requests were {seen.resolution_ms:.0f} ms apart)"
        yield "longest time without an answer", told, None, None
    yield "the probe's own lateness at most", f"{seen.lag_ms:.0f} ms", None, None
    if rolling.counts is not None:
        posted = sum(one.stream.posts for one in samples if one.sent is not None)
        yield "POSTs that counted exactly once", f"{rolling.counts[0]:,} of {posted:,}", None, None
    if left_out := [what for what, there in _kinds(rolling) if not there]:
        yield "left out, because the target names no path for it", ", ".join(left_out), None, None


def _kinds(rolling: Rolling) -> tuple[tuple[str, bool], ...]:
    asked = rolling.operator.target.probe
    return (
        ("POSTs (key probe.post_path)", asked.post_path is not None),
        ("slow requests (key probe.slow_page)", asked.slow_page is not None),
    )


def _bound(seen: Summary) -> str:
    """What none among so many says, at 95 % confidence: at the most three among so many."""
    return f": fewer than {300 / seen.sent:.2f} % with 95 % confidence" if seen.sent >= 300 and not seen.lost else ""


def _told(rolling: Rolling, samples: Sequence[Sample], seen: Summary) -> dict[str, object]:
    """What the evidence keeps of a probe: the counts, and those requests that were not served."""
    unserved = [one for one in samples if not one.served]
    return {
        "sent": seen.sent,
        "lost": seen.lost,
        "unsent": seen.unsent,
        "ends": seen.ends,
        "marks": {name: round(at, 3) for name, at in rolling.marks.items()},
        "first_not_served": [
            {"stream": str(one.stream), "due": round(one.due, 3), "end": one.code or one.failure}
            for one in unserved[:LOST_SHOWN]
        ],
    }


def _versions(samples: Sequence[Sample]) -> str:
    found = sorted({one.release or "no version" if one.served else "no success" for one in samples})
    return ", ".join(found) or "no answer"
