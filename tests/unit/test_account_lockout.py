"""Why somebody cannot log in: what the releases were created with, and how many accounts are locked."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.database.account_lockout import (
    LOCKED,
    SETTINGS,
    LockedAccounts,
    LogInPolicy,
    locked_accounts,
    log_in_policies,
    read_counts,
    read_settings,
)
from checks.docker.containers import CONTAINERS, NOW
from runbook.model.outcome import Mismatch, NotApplicable, Undetermined
from runbook.model.question import Output, Question
from runbook.model.target import LoginPolicySettings, Target
from runbook.model.template import template_values
from steps.problems import (
    a_staff_members_session_ends,
    a_users_session_ends,
    an_account_is_locked,
    few_accounts_are_locked,
    it_stays_locked,
)
from tests.unit.answering import looking
from tests.unit.test_containers import inspection, kept

TARGET = Target(
    name="t",
    environment="lab",
    address="127.0.0.1",
    domain="example.test",
    login_policy=LoginPolicySettings(locked_at="accounts.locked_at"),
)
WEB = "psyfit-web-1771900000"
POLICY = LogInPolicy(WEB, user_minutes=30, staff_minutes=15, attempts=5, lockout_minutes=30)
SAID = "SESSION_TIMEOUT_USER_MINUTES 30\nSESSION_TIMEOUT_STAFF_MINUTES 15\nLOCKOUT_ATTEMPTS 5\nLOCKOUT_MINUTES 30\n"
CANARY = "canary-in-a-secret"


def answers(said: str = SAID, counts: str = "[0, 20]\n", **containers: Any) -> dict[Question[Any], object]:
    running = inspection(WEB, **containers)
    about = {"table": "accounts", "column": "locked_at", "minutes": "30"}
    return {
        CONTAINERS: (running,),
        NOW: Output(0, "1771900100\n", ""),
        SETTINGS.with_values(release=running["Id"]): Output(0, said, ""),
        LOCKED.with_values(**about): Output(0, counts, ""),
    }


def test_a_release_says_when_it_logs_out_and_locks() -> None:
    assert log_in_policies(looking(TARGET, answers())) == (POLICY,)


def test_what_a_release_does_not_say_is_undetermined() -> None:
    with pytest.raises(Undetermined, match=f"{WEB} has no LOCKOUT_ATTEMPTS, LOCKOUT_MINUTES in its environment"):
        log_in_policies(looking(TARGET, answers("\n".join(SAID.splitlines()[:2]))))


def test_what_is_no_number_is_undetermined() -> None:
    with pytest.raises(Undetermined, match="LOCKOUT_MINUTES is not a whole number"):
        log_in_policies(looking(TARGET, answers(SAID.replace("LOCKOUT_MINUTES 30", "LOCKOUT_MINUTES ?"))))


def test_without_a_release_it_is_undetermined() -> None:
    with pytest.raises(Undetermined, match="no web release runs"):
        log_in_policies(looking(TARGET, {CONTAINERS: (), NOW: Output(0, "1\n", "")}))


def test_accounts_are_counted_for_as_long_as_the_release_locks_them() -> None:
    assert locked_accounts(looking(TARGET, answers(counts="[2, 20]"))) == LockedAccounts(2, 20, 30)


def test_of_two_releases_the_longer_lock_counts() -> None:
    other = kept("psyfit-web-1771900001")
    told = answers()
    told[CONTAINERS] = (*told[CONTAINERS], other)  # type: ignore[misc]
    told[SETTINGS.with_values(release=other["Id"])] = Output(
        0, SAID.replace("LOCKOUT_MINUTES 30", "LOCKOUT_MINUTES 5"), ""
    )
    found = locked_accounts(looking(TARGET, told))
    assert found is not None
    assert found.minutes == 30


def test_without_a_column_nobody_is_counted() -> None:
    seen = locked_accounts(looking(TARGET.model_copy(update={"login_policy": LoginPolicySettings()}), {}))

    with pytest.raises(NotApplicable, match=r"login_policy\.locked_at"):
        few_accounts_are_locked(seen, 10)


@pytest.mark.parametrize("foreign", ["", "[1]", "[2, 1]", '["1", "2"]', "[-1, 2]", "null", "[null, 1]"])
def test_other_counts_are_undetermined(foreign: str) -> None:
    with pytest.raises(Undetermined):
        locked_accounts(looking(TARGET, answers(counts=foreign)))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (["SESSION_TIMEOUT_USER_MINUTES=30", "LOCKOUT_ATTEMPTS=5"], SAID.splitlines()[::2]),
        (["LOCKOUT_MINUTES=", f"LOCKOUT_ATTEMPTS={CANARY}", "SESSION_TIMEOUT_STAFF_MINUTES=123456"], None),
        ([f"POSTGRES_PASSWORD={CANARY}", "PASSWORD=30", "XLOCKOUT_MINUTES=30", "LOCKOUT_MINUTES"], []),
        (["LOCKOUT_MINUTES=30=30"], ["LOCKOUT_MINUTES ?"]),
    ],
)
def test_only_numbers_of_these_variables_leave_the_server(
    tmp_path: Path, environment: list[str], said: list[str] | None
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nprintf '%s\\n' \"$ENVIRONMENT\"\n")
    docker.chmod(0o755)
    script = SETTINGS.with_values(release=WEB).render(template_values(TARGET))
    surroundings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ENVIRONMENT": "\n".join(environment)}

    done = subprocess.run(["sh", "-c", script], env=surroundings, capture_output=True, text=True, check=True)

    assert CANARY not in done.stdout + done.stderr
    assert done.stdout.splitlines() == ([f"{one.partition('=')[0]} ?" for one in environment] if said is None else said)


@given(st.text())
def test_foreign_answers_are_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        assert all(number >= 0 for number in read_settings(text).values())
    with contextlib.suppress(ValueError, TypeError):
        locked, total = read_counts(text)
        assert 0 <= locked <= total


def test_a_release_as_the_runbook_says_is_right() -> None:
    a_users_session_ends((POLICY,), 30)
    a_staff_members_session_ends((POLICY,), 15)
    an_account_is_locked((POLICY,), 10)
    it_stays_locked((POLICY,), 30)
    few_accounts_are_locked(LockedAccounts(1, 20, 30), 10)


@pytest.mark.parametrize(
    ("step", "other", "limit", "seen"),
    [
        (a_users_session_ends, {"user_minutes": 480}, 30, f"{WEB}: after 480 min"),
        (a_users_session_ends, {"user_minutes": 5}, 30, f"{WEB}: after 5 min"),
        (a_staff_members_session_ends, {"staff_minutes": 30}, 15, f"{WEB}: after 30 min"),
        (an_account_is_locked, {"attempts": 11}, 10, f"{WEB}: after 11"),
        (an_account_is_locked, {"attempts": 0}, 10, f"{WEB}: after 0"),
        (it_stays_locked, {"lockout_minutes": 1}, 30, f"{WEB}: for 1 min"),
    ],
)
def test_another_policy_fails(step: Any, other: dict[str, Any], limit: int, seen: str) -> None:
    for policies in ((replace(POLICY, **other),), (POLICY, replace(POLICY, **other))):
        with pytest.raises(Mismatch, match=f"seen: {seen};"):
            step(policies, limit)
    with pytest.raises(Mismatch, match="seen: nothing"):
        step((), limit)


def test_many_locked_accounts_fail_and_so_does_an_empty_table() -> None:
    with pytest.raises(Mismatch, match="seen: 2 of 20 are, each for 30 min"):
        few_accounts_are_locked(LockedAccounts(2, 20, 30), 10)
    with pytest.raises(Mismatch, match="seen: 0 of 0"):
        few_accounts_are_locked(LockedAccounts(0, 0, 30), 10)
