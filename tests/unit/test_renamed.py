"""What was kept under an old name still works, and each old name is said once with the new one.

`tests/unit/renamed/` holds what an earlier version wrote: see the README there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.drill_history import PASSED, passed_drills
from commands.lab import break_
from commands.pytest_runner import ROOT
from lab import faults
from reporting import html
from reporting.history import changes_of
from runbook.drill import journal
from runbook.drill.journal.recovery_log import read_recovery
from runbook.model import renamed
from runbook.model.outcome import Outcome
from runbook.model.question import Output
from runbook.model.record import Run
from runbook.model.target import Target
from runbook.model.target_file import TargetError, load, validated
from runbook.suite import features
from runbook.suite.attestation import read as read_attestations
from tests.unit.answering import looking
from tests.unit.test_journal import Folder

KEPT = Path(__file__).parent / "renamed"
IDS = {one.id for one in features.scenarios_of(features.read())}
MANUAL = {one.id for one in features.scenarios_of(features.read()) if "manual" in one.tags}


@pytest.fixture(autouse=True)
def _nothing_was_said_yet() -> Iterator[None]:
    renamed.say.cache_clear()
    yield
    renamed.say.cache_clear()


@pytest.fixture
def old_run() -> Run:
    return Run.model_validate_json((KEPT / "run.json").read_bytes())


def is_called(kind: str, old: str, new: str) -> str:
    return f"the {kind} {old} is called {new} now"


# The table


def test_every_new_name_is_there_and_no_old_one() -> None:
    assert set(renamed.SCENARIOS.values()) <= IDS
    assert not IDS & set(renamed.SCENARIOS)
    assert set(renamed.FAULTS.values()) <= set(faults.names())
    assert not set(faults.names()) & set(renamed.FAULTS)


def test_no_two_old_names_became_one() -> None:
    for table in (renamed.SCENARIOS, renamed.FAULTS, renamed.TARGET_KEYS, renamed.TAGS):
        assert len(set(table.values())) == len(table)


def test_every_new_key_is_one_of_a_target_file() -> None:
    for key in renamed.TARGET_KEYS.values():
        table, _, last = key.partition(".")
        fields = Target.model_fields
        assert table in fields
        assert not last or last in type(fields[table].default).model_fields


def test_every_new_tag_ties_a_scenario_to_another() -> None:
    assert set(renamed.TAGS.values()) == set(features.TIES)


# What was kept


def test_an_old_target_file_is_read_and_each_old_key_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    target = load(str(KEPT / "target.toml"))
    load(str(KEPT / "target.toml"))
    assert (target.objectives.rto_seconds, target.objectives.rpo_hours) == (900, 12)
    assert target.backups.freshness_columns == ("appointments.created_at",)
    assert target.containers.allowed == ("node-exporter", "backup-*")
    assert target.drills.restore_interval_days == 30
    assert target.login_policy.attempts == "MAX_ATTEMPTS"
    assert [line.partition(".toml: ")[2] for line in capsys.readouterr().err.splitlines()] == [
        is_called("key", "backups.newest_row", "backups.freshness_columns"),
        is_called("key", "containers.also", "containers.allowed"),
        is_called("key", "drills.restore_days", "drills.restore_interval_days"),
        is_called("key", "objectives.newest_row_hours", "objectives.rpo_hours"),
        is_called("key", "objectives.restore_seconds", "objectives.rto_seconds"),
        is_called("table", "log_in", "login_policy"),
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"objectives": {"rto_seconds": 1, "restore_seconds": 1}}, "key objectives.rto_seconds is there twice"),
        ({"login_policy": {}, "log_in": {}}, "key login_policy is there twice, as log_in too"),
        ({"objectives": {"restore_seconds": "soon"}}, "key objectives.rto_seconds is 'soon'; expected"),
        ({"objectives": 5}, "key objectives is 5; expected a table"),
        ({"containers": {"also": ["*"]}}, "key containers.allowed.0 is"),
    ],
)
def test_a_wrong_value_of_an_old_key_is_one_sentence(more: dict[str, object], said: str) -> None:
    good = {"name": "t", "environment": "lab", "address": "192.0.2.1", "domain": "a.example"}
    with pytest.raises(TargetError, match=re.escape(said)):
        validated({**good, **more}, Path("t.toml"))


def test_old_attestations_count_under_the_name_of_today(capsys: pytest.CaptureFixture[str]) -> None:
    attested = read_attestations(KEPT / "attestations.toml", MANUAL)
    assert attested["login-works-with-cleared-cookies"].by == "Y. Tanaka"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        f"toml: {is_called('scenario', 'an-emptied-browser-logs-in', 'login-works-with-cleared-cookies')}"
    )


def test_one_thing_attested_under_both_names_is_refused(tmp_path: Path) -> None:
    old = (KEPT / "attestations.toml").read_text()
    path = tmp_path / "attestations.toml"
    path.write_text(old + old.replace("an-emptied-browser-logs-in", "login-works-with-cleared-cookies"))
    with pytest.raises(TargetError, match=re.escape("[login-works-with-cleared-cookies] is there twice")):
        read_attestations(path, MANUAL)


def test_an_old_record_is_rendered_with_one_sentence_for_each_old_name(old_run: Run) -> None:
    page = html.render(old_run)
    assert "2 scenarios were renamed since" in page
    for old, new in (
        ("one-release-runs", "exactly-one-release-runs"),
        ("nobody-waits-for-a-lock", "no-query-is-blocked-by-a-lock"),
    ):
        assert page.count(is_called("scenario", old, new)) == 1
    assert "Nobody waits for a lock" in page, "what was recorded stands as it was"


def test_a_new_run_is_compared_with_an_old_one_under_the_names_of_today(tmp_path: Path, old_run: Run) -> None:
    (tmp_path / old_run.id).mkdir()
    (tmp_path / old_run.id / "run.json").write_bytes((KEPT / "run.json").read_bytes())
    today = tuple(
        one.model_copy(
            update={
                "id": renamed.scenario(one.id),
                "because": one.because and renamed.scenario(one.because),
                "outcome": Outcome.PASSED,
            }
        )
        for one in old_run.scenarios
    )
    started = old_run.started.replace(hour=9)
    run = old_run.model_copy(
        update={"id": "2026-02-24T090012Z-verify-lab", "started": started, "scenarios": today, "exit_code": 0}
    )
    found = changes_of(run, tmp_path)
    assert [(one.id, one.kind) for one in found.scenarios] == [
        ("exactly-one-release-runs", "healed"),
        ("the-running-release-is-the-one-deployed", "healed"),
    ]
    assert found.renamed == (
        is_called("scenario", "one-release-runs", "exactly-one-release-runs"),
        is_called("scenario", "nobody-waits-for-a-lock", "no-query-is-blocked-by-a-lock"),
    )
    page = html.render(run.model_copy(update={"changes": found}))
    assert page.count(found.renamed[0]) == 1


def test_a_drill_that_was_noted_under_an_old_name_counts() -> None:
    noted = (KEPT / "passed").read_text()
    answer = Output(0, "now 1771600000\n" + "".join(f"passed {line}\n" for line in noted.splitlines()), "")
    last = looking(load("lab"), {PASSED: answer}).observe(passed_drills).last_sealed
    assert last is not None
    assert (last.scenario, last.at) == (
        "the-latest-encrypted-backup-can-be-restored",
        datetime.fromtimestamp(1771500000, UTC),
    )
    assert str(last).endswith(
        is_called(
            "scenario",
            "the-latest-encrypted-backup-brings-the-database-back",
            "the-latest-encrypted-backup-can-be-restored",
        )
    )


def test_a_journal_that_was_left_open_is_undone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.thing.touch()
    (folder.path / "journal").mkdir(parents=True)
    entry = (KEPT / "journal-0001.sh").read_text().replace("THING", str(folder.thing))
    (folder.path / "journal" / "0001.sh").write_text(entry)
    left = folder.read()
    assert left is not None
    assert (left.drill, left.by, left.changes) == ("rollback", "hanako@laptop", 1)
    assert [one.said for one in read_recovery(folder.run(journal.recovery())).entries] == ["unmade"]
    assert folder.read() is None
    assert not folder.thing.exists()


# What is typed


@pytest.mark.parametrize(
    ("typed", "today"),
    [
        ("one-release-runs", "exactly-one-release-runs"),
        ("one_release_runs", "exactly_one_release_runs"),
        ("test_one_release_runs", "test_exactly_one_release_runs"),
        ("not (one-release-runs or gate)", "not (exactly-one-release-runs or gate)"),
        ("rb-2.1 or needs-one-release-runs", "rb-2.1 or depends-on-exactly-one-release-runs"),
        ("follows-the-database-is-up", "explained-by-the-database-is-up"),
        ("the-database-is-up and rb-2", "the-database-is-up and rb-2"),
        ("release", "release"),
        ("", ""),
    ],
)
def test_an_expression_of_pytests_with_an_old_name_means_the_new_one(typed: str, today: str) -> None:
    assert renamed.in_expression(typed) == today


def test_each_old_name_of_an_expression_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    renamed.in_expression("one-release-runs or one_release_runs")
    assert capsys.readouterr().err == is_called("scenario", "one-release-runs", "exactly-one-release-runs") + "\n"


@pytest.mark.parametrize(
    "selected",
    [
        ("--section", "nobody-waits-for-a-lock"),
        ("--section", "no-query-is-blocked-by-a-lock"),
        ("--section", "3.3", "--", "-k", "nobody_waits_for_a_lock"),
        ("--", "-k", "nobody-waits-for-a-lock and rb-3"),
    ],
    ids=" ".join,
)
def test_a_command_with_an_old_name_selects_the_same_scenario(selected: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commands.main", "verify", "--plan", "--target", str(KEPT / "target.toml"), *selected],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r" · for ([\d., ]+)", done.stdout)) == {"3.3"}
    assert "sessions." in done.stdout
    said = is_called("scenario", "nobody-waits-for-a-lock", "no-query-is-blocked-by-a-lock")
    assert done.stderr.count(said) == (0 if "no-query-is-blocked-by-a-lock" in selected else 1)


@given(st.text(alphabet="abc-_ ()[].+"))
def test_whatever_is_typed_that_names_nothing_old_stays(typed: str) -> None:
    assert renamed.in_expression(typed) == typed


def test_a_key_that_is_given_to_init_may_be_an_old_one() -> None:
    assert renamed.target_key("objectives.restore_seconds") == "objectives.rto_seconds"
    assert renamed.target_key("log_in.attempts") == "login_policy.attempts"
    assert renamed.target_key("edge.database_page") == "edge.database_page"


def test_a_fault_may_be_named_as_it_was(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    broken: list[str] = []
    monkeypatch.setattr("commands.lab._existing", lambda name: name)
    monkeypatch.setattr(faults, "inject", lambda _server, fault: broken.append(fault))
    break_("cpu-held-back")
    assert broken == ["cpu-throttled"]
    assert capsys.readouterr().err == is_called("fault", "cpu-held-back", "cpu-throttled") + "\n"
