"""Which scenarios depend on which, as their tags say it."""

from __future__ import annotations

import pytest

from runbook.model.outcome import Outcome
from runbook.suite import pytest_bdd_adapter
from runbook.suite.features import DEPENDS_ON, EXPLAINED_BY, depended_on, scenario_id


def dependency_of(tag: str) -> tuple[str, tuple[Outcome, ...]]:
    """The scenario that a tag says this one stands on, and the outcomes of that one which decide this one's."""
    tie, needed = depended_on(tag)
    decisive = {DEPENDS_ON: (Outcome.FAILED, Outcome.UNDETERMINED), EXPLAINED_BY: (Outcome.FAILED,)}
    return needed, decisive.get(tie, ())


def needed_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """In the features' order, but each scenario after those that it stands on."""
    by_id = {scenario_id(scenario.name): item for item in items if (scenario := pytest_bdd_adapter.scenario_of(item))}
    ordered: dict[pytest.Item, None] = {}

    def place(item: pytest.Item, above: tuple[pytest.Item, ...]) -> None:
        scenario = pytest_bdd_adapter.scenario_of(item)
        for tag in sorted(pytest_bdd_adapter.tags_of(scenario)) if scenario else ():
            needed = by_id.get(dependency_of(tag)[0])
            if needed is not None and needed not in above:
                place(needed, (*above, needed))
        ordered.setdefault(item)

    for item in items:
        place(item, (item,))
    return list(ordered)
