"""What changed since the run before: every scenario of either run is told once, and nothing is guessed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.history import RUNS_READ, Unreadable, changes_of, read
from reporting.run_diff import AMISS, Past, changes
from runbook.model.changes import Changes, Earlier
from runbook.model.exits import COMPLIANT, INTERRUPTED, REFUSED
from runbook.model.outcome import Outcome
from runbook.model.record import Run
from tests.unit import report_example as example

PASSED, FAILED, UNDETERMINED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDETERMINED
HOUR = timedelta(hours=1)


def run_of(outcomes: Mapping[str, Outcome] | Iterable[tuple[str, Outcome]], *, hours: int = 0) -> Run:
    """A whole run with these scenarios, begun so many hours after the example's."""
    listed = outcomes.items() if isinstance(outcomes, Mapping) else outcomes
    run = example.run([example.scenario(name, "2.1", outcome) for name, outcome in listed])
    started = run.started + hours * HOUR
    name = f"{started:%Y-%m-%dT%H%M%SZ}-verify-lab"
    return run.model_copy(update={"id": name, "started": started, "ended": started + HOUR / 60})


def past(run: Run) -> Past:
    return Past.model_validate_json(run.model_dump_json())


def between(before: Run, now: Run) -> Changes:
    return changes(now, past(before), digest="0" * 64)


def kinds(found: Changes) -> dict[str, str]:
    return {one.id: one.kind for one in found.scenarios}


def kept(run: Run, reports: Path) -> Run:
    """The run in a folder of its own, as a run leaves it."""
    folder = reports / run.id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(run.model_dump_json())
    return run


# Two records


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (PASSED, FAILED, "newly failing"),
        (UNDETERMINED, FAILED, "newly failing"),
        (FAILED, UNDETERMINED, "newly undetermined"),
        (FAILED, PASSED, "healed"),
        (UNDETERMINED, Outcome.ATTESTED, "healed"),
        (FAILED, Outcome.WAIVED, "otherwise changed"),
        (PASSED, Outcome.NOT_APPLICABLE, "otherwise changed"),
        (FAILED, FAILED, "still failing"),
        (UNDETERMINED, UNDETERMINED, "still undetermined"),
    ],
)
def test_a_change_has_a_name(before: Outcome, now: Outcome, kind: str) -> None:
    assert kinds(between(run_of({"one": before}), run_of({"one": now}, hours=1))) == {"one": kind}


def test_what_came_to_the_same_and_is_well_is_no_change() -> None:
    run = run_of({"one": PASSED, "two": Outcome.WAIVED, "three": Outcome.NOT_APPLICABLE})

    assert between(run, run).scenarios == ()
    assert between(run, run).summary() == "nothing changed"


def test_what_only_one_of_the_runs_has_is_neither_healed_nor_failing() -> None:
    found = between(run_of({"old": FAILED}), run_of({"new": FAILED}, hours=1))

    assert kinds(found) == {"new": "only in this run", "old": "only in that run"}


def test_the_changes_are_counted_in_words_worst_first() -> None:
    before = run_of({"a": PASSED, "b": PASSED, "c": FAILED, "d": FAILED, "e": PASSED})
    now = run_of({"a": FAILED, "b": FAILED, "c": PASSED, "d": FAILED, "f": PASSED}, hours=1)

    assert between(before, now).summary() == (
        "2 newly failing, 1 healed, 1 still failing, 1 only in this run, 1 only in that run"
    )


def test_since_when_something_fails_is_told_over_any_number_of_runs_without_reading_them() -> None:
    runs = [run_of({"one": outcome}, hours=hours) for hours, outcome in enumerate([PASSED, FAILED, FAILED, FAILED])]
    for place in range(1, len(runs)):
        runs[place] = runs[place].model_copy(update={"changes": between(runs[place - 1], runs[place])})

    assert [run.changes and run.changes.scenarios[0].since for run in runs[1:]] == [
        None,
        runs[1].started,
        runs[1].started,
    ]


def test_since_begins_anew_where_it_came_to_something_else_between() -> None:
    runs = [run_of({"one": outcome}, hours=hours) for hours, outcome in enumerate([FAILED, UNDETERMINED, FAILED])]
    for place in range(1, len(runs)):
        runs[place] = runs[place].model_copy(update={"changes": between(runs[place - 1], runs[place])})
    last = between(runs[-1], run_of({"one": FAILED}, hours=9))

    assert last.scenarios[0].since == runs[-1].started


def test_of_an_outline_the_row_that_came_off_worst_counts() -> None:
    before = run_of([("row", PASSED), ("row", FAILED), ("row", PASSED)])

    assert kinds(between(before, run_of([("row", PASSED), ("row", PASSED)], hours=1))) == {"row": "healed"}


OUTCOMES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(Outcome))


@given(OUTCOMES, OUTCOMES)
def test_every_scenario_that_differs_or_is_amiss_is_told_once_and_no_other(
    before: dict[str, Outcome], now: dict[str, Outcome]
) -> None:
    found = between(run_of(before), run_of(now, hours=1))
    told = [one.id for one in found.scenarios]

    assert len(told) == len(set(told))
    assert set(told) == {
        name for name in before.keys() | now.keys() if before.get(name) != now.get(name) or now.get(name) in AMISS
    }
    assert all((one.before, one.now) == (before.get(one.id), now.get(one.id)) for one in found.scenarios)
    assert sum(map(len, found.by_kind().values())) == len(told)


@given(OUTCOMES, OUTCOMES)
def test_back_again_heals_what_it_broke(before: dict[str, Outcome], now: dict[str, Outcome]) -> None:
    there, back = between(run_of(before), run_of(now, hours=1)), between(run_of(now), run_of(before, hours=1))
    broken = {one.id for one in there.scenarios if one.kind == "newly failing" and one.before is PASSED}

    assert broken == {one.id for one in back.scenarios if one.before is FAILED and one.now is PASSED}
    assert {one.kind for one in back.scenarios if one.id in broken} <= {"healed"}


# The run before, among those that lie there


def test_the_newest_whole_run_of_the_same_target_and_kind_is_the_run_before(tmp_path: Path) -> None:
    kept(run_of({"one": PASSED}), tmp_path)
    wanted = kept(run_of({"one": FAILED}, hours=1), tmp_path)
    gate = run_of({"one": PASSED}, hours=2)
    kept(gate.model_copy(update={"kind": "gate", "id": gate.id.replace("verify", "gate")}), tmp_path)
    elsewhere = run_of({"one": PASSED}, hours=2)
    server = elsewhere.server.model_copy(update={"name": "lab-2"})
    kept(elsewhere.model_copy(update={"server": server, "id": f"{elsewhere.id}-2"}), tmp_path)
    kept(run_of({"one": PASSED}, hours=2).model_copy(update={"exit_code": INTERRUPTED}), tmp_path)
    kept(run_of({"one": PASSED}, hours=3).model_copy(update={"exit_code": REFUSED}), tmp_path)
    kept(run_of({"one": PASSED}, hours=4).model_copy(update={"selected": 2}), tmp_path)
    kept(run_of({"one": PASSED}, hours=6), tmp_path)

    found = changes_of(run_of({"one": FAILED}, hours=5), tmp_path)

    digest = hashlib.sha256((tmp_path / wanted.id / "run.json").read_bytes()).hexdigest()
    assert found.earlier == Earlier(id=wanted.id, started=wanted.started, digest=digest)
    assert kinds(found) == {"one": "still failing"}
    assert found.passed_over == ()


def test_a_look_at_one_section_is_compared_with_the_whole_and_not_the_whole_with_it(tmp_path: Path) -> None:
    whole = kept(run_of({"a": PASSED, "b": FAILED, "c": PASSED}), tmp_path)
    section = run_of({"b": PASSED}, hours=1)
    found = changes_of(section, tmp_path)
    kept(section, tmp_path)

    assert found.earlier
    assert found.earlier.id == whole.id
    assert kinds(found) == {"b": "healed", "a": "only in that run", "c": "only in that run"}
    again = changes_of(run_of({"a": PASSED, "b": PASSED, "c": PASSED}, hours=2), tmp_path)
    assert again.earlier == found.earlier


def test_two_runs_within_a_second_come_in_their_order(tmp_path: Path) -> None:
    first = kept(run_of({"one": FAILED}), tmp_path)
    again = {"started": first.started + timedelta(milliseconds=400)}
    second = kept(run_of({"one": PASSED}).model_copy(update={"id": f"{first.id}-2", **again}), tmp_path)

    found = changes_of(run_of({"one": PASSED}, hours=1), tmp_path)

    assert found.earlier
    assert found.earlier.id == second.id


def test_where_there_is_no_earlier_run_nothing_is_said_of_any_scenario(tmp_path: Path) -> None:
    assert changes_of(run_of({"one": FAILED}), tmp_path) == Changes(earlier=None)
    assert changes_of(example.empty(), tmp_path) == Changes(earlier=None)


def test_a_run_that_cannot_be_read_is_named_and_passed_over(tmp_path: Path) -> None:
    older = kept(run_of({"one": PASSED}), tmp_path)
    bad = [run_of({"one": PASSED}, hours=hours) for hours in range(1, 5)]
    kept(bad[0].model_copy(update={"schema_version": 2}), tmp_path)
    (tmp_path / bad[1].id).mkdir()
    (tmp_path / bad[2].id / "run.json").mkdir(parents=True)
    (tmp_path / bad[3].id).write_text("a file where a folder is expected")

    found = changes_of(run_of({"one": FAILED}, hours=9), tmp_path)

    assert found.earlier
    assert found.earlier.id == older.id
    assert [sentence.partition(" ")[0].removesuffix("/run.json") for sentence in found.passed_over] == [
        run.id for run in reversed(bad)
    ]
    assert "that run was cut off, or is still running" in found.passed_over[2]
    assert "is not a record of schema 1: schema_version" in found.passed_over[3]


def test_only_so_many_runs_are_read(tmp_path: Path) -> None:
    kept(run_of({"one": PASSED}), tmp_path)
    for hours in range(1, RUNS_READ + 1):
        kept(run_of({"one": PASSED}, hours=hours).model_copy(update={"exit_code": INTERRUPTED}), tmp_path)

    assert changes_of(run_of({"one": FAILED}, hours=99), tmp_path) == Changes(earlier=None)


@given(st.binary() | st.sampled_from([b"[" * 5000, b'{"schema_version": 1}', b'{"id": "\\ud800"}', b"NaN"]))
def test_whatever_lies_there_is_a_record_or_named(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.json").write_bytes(content)

    with pytest.raises(Unreadable, match=folder.name):
        read(folder)


def test_a_moment_without_its_zone_is_no_record(tmp_path: Path) -> None:
    run = run_of({"one": PASSED})
    folder = tmp_path / run.id
    folder.mkdir()
    (folder / "run.json").write_text(
        run.model_dump_json().replace('2026-02-24T08:00:12.345000Z"', '2026-02-24T08:00:12"')
    )

    with pytest.raises(Unreadable, match="started"):
        read(folder)


def test_a_record_of_the_time_before_changes_were_kept_can_be_compared(tmp_path: Path) -> None:
    run = run_of({"one": FAILED})
    folder = tmp_path / run.id
    folder.mkdir()
    (folder / "run.json").write_text(run.model_dump_json(exclude={"changes"}))

    found = changes_of(run_of({"one": FAILED}, hours=1), tmp_path)

    assert [one.since for one in found.scenarios] == [run.started]
    assert run.exit_code == COMPLIANT
