"""What is under way on the server: who holds the locks, what runs, what a drill left to undo."""

from __future__ import annotations

import contextlib
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.deploy.in_progress import (
    BACKUP_LOCK,
    DEPLOY_LOCK,
    DRILL_LOCK,
    LOCKS_IN_DATABASE,
    WORK,
    migration_lock,
    migrations_locked,
    process,
    read_locks,
    read_work,
)
from runbook.drill import journal
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.model.target_file import load
from runbook.model.template import template_values
from tests.unit.answering import looking


def test_on_an_idle_server_nothing_is_under_way() -> None:
    idle = read_work("")
    assert (idle.holders, idle.processes, idle.undo) == ({}, (), ())


def test_the_holders_of_a_lock_are_named_once_each() -> None:
    text = f"lock\t{DEPLOY_LOCK}\tbash\nlock\t{DEPLOY_LOCK}\tdocker\nlock\t{DEPLOY_LOCK}\tbash\n"
    assert read_work(text).holders == {DEPLOY_LOCK: ("bash", "docker")}


def test_a_lock_whose_file_was_removed_is_still_held() -> None:
    assert list(read_work(f"lock\t{BACKUP_LOCK} (deleted)\tbash\n").holders) == [BACKUP_LOCK]


def test_what_a_drill_left_is_counted_by_its_entries() -> None:
    assert read_work("open /var/lib/psyfit-runbook/journal/0001.sh\n").undo == ("0001.sh",)


@pytest.mark.parametrize(
    ("word", "program", "kind"),
    [
        ("deploy.sh", "bash", "deploy"),
        ("deploy.sh", "deploy.sh", "deploy"),
        ("cleanup-docker.sh", "cleanup-docker.", "clean-up"),
        ("backup.sh", "sh", "backup"),
        ("pg_dump", "pg_dump", "backup"),
        ("restore.sh", "bash", "restore"),
        ("db:migrate", "ruby", "migration"),
        ("db:migrate", "python3", "migration"),
        ("db:rollback", "docker", "migration"),
    ],
)
def test_a_process_that_does_it_is_known_by_its_word_and_its_name(word: str, program: str, kind: str) -> None:
    found = process(word, program)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("word", "program"),
    [("deploy.sh", "vim"), ("backup.sh", "tail"), ("pg_dump", "man"), ("db:migrate", "grep"), ("", "bash"), ("x", "")],
)
def test_a_process_that_only_names_it_does_not_do_it(word: str, program: str) -> None:
    assert process(word, program) is None


def test_a_script_is_known_by_any_path() -> None:
    (found,) = read_work("process\t/var/www/psyfit/bin/deploy.sh\tbash\n").processes
    assert str(found) == "deploy.sh is running"


def test_locks_of_the_database_are_read() -> None:
    assert read_locks("[[0, 7], [1, 0]]\n") == {7, 1 << 32}
    assert read_locks("[]\n") == frozenset()


@pytest.mark.parametrize("printed", ["", "\n", "0|7\n", "error: no such table\n", "{}", "[[1]]", '[["1", "2"]]'])
def test_a_database_that_prints_no_list_does_not_tell_that_nobody_holds_a_lock(printed: str) -> None:
    with pytest.raises(Undetermined, match="the database's locks could not be read"):
        looking(load("lab"), {LOCKS_IN_DATABASE: Output(0, printed, "")}).observe(migrations_locked)


@pytest.mark.parametrize(("broken", "option"), [("find", "-lname"), ("grep", "z")])
def test_programs_that_cannot_look_at_processes_do_not_tell_that_nothing_runs(
    broken: str, option: str, tmp_path: Path
) -> None:
    """Another find or grep, without an option that is needed: what it prints on its standard output is nothing."""
    body = f'case "$*" in *{option}*) echo usage >&2; exit 2;; esac; exec /usr/bin/{broken} "$@"'
    (tmp_path / broken).write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / broken).chmod(0o755)
    script = WORK.render(template_values(load("lab")))
    ended = subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True)
    assert ended.returncode != 0


def test_the_lock_of_migrations_is_the_databases_own() -> None:
    target = load("lab")
    own = migration_lock(target.backups.database)
    for key, locked in ((own, True), (own + 1, False)):
        told = Output(0, f"[[{key >> 32}, {key & 0xFFFFFFFF}]]\n", "")
        assert looking(target, {LOCKS_IN_DATABASE: told}).observe(migrations_locked) is locked


def test_the_lock_of_migrations_is_numbered_as_rails_numbers_it() -> None:
    """Rails: 2053462845 times the CRC-32 of the database's name."""
    number = 2053462845 * zlib.crc32(b"psyfit_production")
    assert migration_lock("psyfit_production") == number
    assert read_locks(f"[[{number >> 32}, {number & 0xFFFFFFFF}]]") == {number}


def test_the_drills_folder_is_the_journals_own() -> None:
    asked = WORK.render(template_values(load("lab")))
    assert f"{journal.FOLDER}/lock*" in asked
    assert f"find {journal.FOLDER}/journal " in asked
    assert f"{journal.FOLDER}/lock" == DRILL_LOCK


@given(st.text() | st.text(alphabet="lockpres\t/.:-openb \n|0123456789"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        read_work(text)
    with contextlib.suppress(ValueError, TypeError):
        read_locks(text)


@given(st.text(), st.text())
def test_any_process_is_told_or_passed_over(word: str, program: str) -> None:
    process(word, program)
