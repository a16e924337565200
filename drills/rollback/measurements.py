"""What the probe has measured of a rollback: figures, the picture, the evidence, and whether a request was lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from drills.rollback.samples import Sample, Summary, changeover_ms, summary, timeline
from drills.rollback.switching import Rolling
from runbook.model.outcome import Undetermined, require

LOST_SHOWN = 20


def none_lost(seen: Summary) -> None:
    """Judge that no request was lost or left unsent.

    Raises:
        Mismatch: One was.
        Undetermined: It may be that only the probe itself was late.
    """
    ends = ", ".join(f"{end}: {count}" for end, count in seen.ends.items())
    told = f"{seen.lost} lost and {seen.unsent} unsent of {seen.sent} ({ends})"
    if seen.doubtful:
        raise Undetermined(f"{told}, but the probe itself was late by up to {seen.lag_ms:.0f} ms: this machine is busy")
    require(seen.sent and not seen.lost and not seen.unsent, expected="0 lost and 0 unsent", actual=told, section="3.1")


def finish(rolling: Rolling) -> Summary:
    """End the probe and keep what it saw: figures, the picture, the evidence."""
    samples = rolling.probe.end()
    seen = summary(samples)
    for name, value, objective, within in _figures(rolling, samples, seen):
        rolling.executor.measure(name, value, objective=objective, within=within)
    title = "Requests by the time at which they were sent, and the release that answered them"
    rolling.executor.timelines.append(timeline(title, samples))
    rolling.executor.evidence.record(
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
        both = changeover_ms(samples, *pair, since=marks[begun], until=marks[ended])
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
    asked = rolling.executor.target.probe
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
