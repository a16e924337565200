"""What a run comes to, and why: the scenarios that it rests on, the verdict, root causes and what follows from them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from runbook.model.outcome import Outcome
from runbook.model.record import SEVERITIES, Run, Scenario, Verdict


def gating(run: Run) -> tuple[Scenario, ...]:
    """The scenarios on which the verdict and the exit code rest: all, but before a deploy those of the gate."""
    return tuple(one for one in run.scenarios if is_gating(run.kind, one))


def overridden(run: Run) -> tuple[Scenario, ...]:
    """The scenarios that failed and, by an override, do not block."""
    return tuple(one for one in gating(run) if run.override and one.outcome is Outcome.FAILED)


def verdict_of(run: Run) -> Verdict:
    """What the run comes to: the first thing a reader sees."""
    if run.kind == "gate":
        return _gate_verdict(run)
    counts = run.counts()
    if counts[Outcome.FAILED]:
        return Verdict.NOT_AS_IT_SAYS
    if counts[Outcome.UNDETERMINED] or not run.scenarios:
        return Verdict.UNDETERMINED
    if run.exit_code and not run.saw_all():
        return Verdict.INCOMPLETE
    return Verdict.AS_IT_SAYS


def _gate_verdict(run: Run) -> Verdict:
    outcomes = {one.outcome for one in gating(run)}
    if Outcome.FAILED in outcomes and run.override is None:
        return Verdict.NOT_SAFE
    if Outcome.UNDETERMINED in outcomes or not outcomes:
        return Verdict.NOT_KNOWN_TO_BE_SAFE
    if run.exit_code:
        return Verdict.INCOMPLETE
    return Verdict.LET_THROUGH if overridden(run) else Verdict.SAFE


def causes_with_consequences(run: Run) -> tuple[tuple[Scenario, tuple[Scenario, ...]], ...]:
    """Each cause, worst first, with the other scenarios that could not be told because of it.

    A cause is a failed or undetermined scenario that does not follow from another; of several that could not be
    told for one and the same reason the worst stands for all. What stands on one of them, at any depth, follows.
    The time that this takes grows with the number of scenarios, however many of them are causes.
    """
    alike: dict[str, list[Scenario]] = {}
    for scenario in _open_ones(run):
        alike.setdefault(_reason_of(scenario), []).append(scenario)
    standing_on: dict[str, list[Scenario]] = {}
    for scenario in run.scenarios:
        if scenario.because is not None:
            standing_on.setdefault(scenario.because, []).append(scenario)
    return tuple((cause, _following(cause, same, standing_on)) for cause, *same in alike.values())


def root_causes(run: Run) -> tuple[Scenario, ...]:
    """The causes alone, worst first."""
    return tuple(cause for cause, _ in causes_with_consequences(run))


def consequences(run: Run, cause: Scenario) -> tuple[Scenario, ...]:
    """The scenarios that could not be told because of one of the causes."""
    return next((following for one, following in causes_with_consequences(run) if one is cause), ())


def _open_ones(run: Run) -> list[Scenario]:
    named = {scenario.id for scenario in run.scenarios}
    open_ones = [
        scenario
        for scenario in run.scenarios
        if scenario.outcome in (Outcome.FAILED, Outcome.UNDETERMINED)
        and (scenario.because is None or scenario.because not in named)
    ]
    return sorted(open_ones, key=lambda one: (not is_gating(run.kind, one), *_worst_first(one)))


def is_gating(kind: str, scenario: Scenario) -> bool:
    """Whether a run of this kind rests on this scenario; else it is shown beside."""
    return kind != "gate" or "gate" in scenario.tags


def _reason_of(scenario: Scenario) -> str:
    """What two undetermined scenarios have in common where one thing is the matter; a failed one stands alone."""
    if scenario.outcome is Outcome.FAILED:
        return scenario.id
    return f"right {scenario.missing_right}" if scenario.missing_right else f"reason {scenario.reason}"


def _following(
    cause: Scenario, same: list[Scenario], standing_on: Mapping[str, list[Scenario]]
) -> tuple[Scenario, ...]:
    found = {one.id: one for one in same}
    above = deque([cause, *same])
    while above:
        direct = [one for one in standing_on.get(above.popleft().id, ()) if one.id not in found]
        found.update({one.id: one for one in direct})
        above += direct
    return tuple(found.values())


def _worst_first(scenario: Scenario) -> tuple[int, int]:
    return (
        0 if scenario.outcome is Outcome.FAILED else 1,
        SEVERITIES.index(scenario.severity),
    )
