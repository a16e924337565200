"""What is told of where secrets stand: counts and names, by the questions' own scripts on this machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.database.service_logins import read_attempt
from checks.docker.images import IMAGES
from checks.formats.file_modes import read_file_modes
from checks.secrets.environment import TAKEN_OVER, read_taken_over
from checks.secrets.secret_leaks import (
    IN_GIT,
    IN_IMAGES,
    IN_LOG_FILES,
    IN_LOGS,
    IN_PROCESSES,
    Search,
    Sighting,
    leaks_in_images,
    leaks_in_log_files,
    read_git,
    read_search,
)
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output
from runbook.model.target import Target
from tests.unit.answering import looking
from tests.unit.test_containers import kept, server_with

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
WEB = "psyfit-web-1771900000"

ENVIRONMENT = """\
POSTGRES_PASSWORD=correct horse
SECRET_KEY_BASE=battery=staple
BLIND_INDEX_KEY=short
TZ=Asia/Tokyo
"""

DOCKER = """\
#!/bin/sh
case "$1" in
  inspect) cat "$HERE/environment" ;;
  logs) cat "$HERE/$2.log"; cat "$HERE/$2.err" >&2 ;;
  history) echo 'RUN echo correct horse' ;;
  image) echo '[{"Config": {"Env": ["SECRET_KEY_BASE=battery=staple"]}}]' ;;
esac
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program ``docker`` that is called in place of the real one."""
    program = tmp_path / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    (tmp_path / "environment").write_text(ENVIRONMENT)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("HERE", str(tmp_path))
    return tmp_path


def told(question: Command, **facts: str | tuple[str, ...]) -> str:
    """What the question's script prints on this machine."""
    script = question.render({"release": "web", **facts})
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


def test_a_value_is_found_in_a_log_with_its_name_and_its_lines(here: Path) -> None:
    (here / "db.log").write_text("a correct horse\nand correct horse again\nshort\n")
    (here / "db.err").write_text("key: battery=staple\n")
    found = read_search(told(IN_LOGS, containers=("db",)))
    assert found.sightings == (Sighting("db", "POSTGRES_PASSWORD", 2), Sighting("db", "SECRET_KEY_BASE", 1))
    assert [str(one) for one in found.sightings][1] == "SECRET_KEY_BASE in 1 line of db"


def test_a_log_without_a_value_was_looked_at(here: Path) -> None:
    (here / "db.log").write_text("all is well\n")
    (here / "db.err").write_text("")
    found = read_search(told(IN_LOGS, containers=("db",)))
    assert (found.places, found.sightings) == (("db",), ())


def test_a_log_that_cannot_be_read_is_not_one_without_a_value(here: Path) -> None:
    (here / "docker").write_text(DOCKER.replace("logs) ", "logs) exit 3; "))
    with pytest.raises(ValueError, match="not read to its end"):
        read_search(told(IN_LOGS, containers=("db",)))


def test_without_anything_to_look_for_nothing_is_told(here: Path) -> None:
    (here / "environment").write_text("TZ=Asia/Tokyo\n")
    with pytest.raises(ValueError, match="none of the values"):
        read_search(told(IN_IMAGES, images=("psyfit:1",)))


@pytest.mark.usefixtures("here")
def test_an_image_is_looked_at_by_its_history_and_its_settings() -> None:
    found = read_search(told(IN_IMAGES, images=("psyfit:1",)))
    assert [one.name for one in found.sightings] == ["POSTGRES_PASSWORD", "SECRET_KEY_BASE"]


def test_the_jobs_logs_are_those_that_are_there(here: Path) -> None:
    log = here / "backup.log"
    log.write_text("correct horse\n")
    facts = {"backup_log": str(log), "monitor_log": str(here / "none"), "cleanup_log": str(here / "none")}
    found = read_search(told(IN_LOG_FILES, **facts))
    assert found.places == (str(log),)
    assert [one.lines for one in found.sightings] == [1]


@pytest.mark.usefixtures("here")
def test_a_value_among_arguments_is_found() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "correct horse"]) as process:
        found = read_search(told(IN_PROCESSES))
        process.kill()
    assert "POSTGRES_PASSWORD" in [one.name for one in found.sightings]


def test_git_is_asked_for_the_files_and_for_the_values_in_all_that_it_keeps(here: Path) -> None:
    def git(*arguments: str) -> None:
        settings = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        subprocess.run(["git", "-C", str(clone), *settings, *arguments], check=True, capture_output=True)

    clone = here / "clone"
    clone.mkdir()
    git("init", "--initial-branch=main")
    (clone / ".env").write_text("POSTGRES_PASSWORD=correct horse\n")
    git("add", ".env")
    git("commit", "-m", "first")
    assert read_git(told(IN_GIT, app=str(clone))).tracked == (".env",)
    git("rm", "--quiet", ".env")
    git("commit", "-m", "second")
    found = read_git(told(IN_GIT, app=str(clone)))
    assert (found.tracked, found.commits) == ((), 2)
    assert found.found.sightings == (Sighting("the history", "POSTGRES_PASSWORD", 1),)


SECRETS = """\
# SECRET_KEY_BASE=not this one
export POSTGRES_PASSWORD="correct horse"
SECRET_KEY_BASE='battery=other'
MISSING=anything
EMPTY=
RAILS_MASTER_KEY=$(cat config/master.key)
"""


def test_the_secrets_are_compared_where_they_are(here: Path) -> None:
    (here / ".kamal").mkdir()
    (here / ".kamal" / "secrets").write_text(SECRETS)
    answer = told(TAKEN_OVER, app=str(here))
    found = read_taken_over("web", answer)
    assert (found.same, found.other) == (("POSTGRES_PASSWORD",), ("MISSING", "SECRET_KEY_BASE"))
    assert found.by_reference == ("RAILS_MASTER_KEY",)
    assert "horse" not in answer


@pytest.mark.parametrize(
    ("answer", "taken", "tried"),
    [
        (Output(0, "1\n", ""), True, True),
        (Output(2, "", 'FATAL:  password authentication failed for user "psyfit_prod"'), False, True),
        (Output(2, "", "fe_sendauth: no password supplied"), False, False),
    ],
)
def test_a_log_in_was_taken_or_refused(answer: Output, taken: bool, tried: bool) -> None:
    found = read_attempt(answer)
    assert (found.taken, found.tried) == (taken, tried)


@pytest.mark.parametrize(
    "answer", [Output(2, "", "could not translate host name"), Output(0, "", ""), Output(1, "1\n", "")]
)
def test_a_log_in_that_failed_for_another_reason_is_no_refusal(answer: Output) -> None:
    with pytest.raises(Undetermined):
        read_attempt(answer)


def _in_images(*tags: list[str] | None) -> Search:
    """What is found where images have these names, and the release's is psyfit:0a1b2c3."""
    own = [tag for names in tags for tag in names or () if tag.startswith("psyfit:")]
    answers = {
        **server_with(kept(WEB)),
        IMAGES: tuple({"RepoTags": names} for names in tags),
        IN_IMAGES.with_values(release=WEB, images=own): Output(0, "looked\tpsyfit\t1\t0\n", ""),
    }
    return looking(TARGET, answers).observe(leaks_in_images)


def test_the_images_that_are_called_as_the_releases_are_looked_into() -> None:
    assert _in_images(None, ["psyfit:1", "other:1"], ["psyfit:2"]).places == ("psyfit",)
    with pytest.raises(Undetermined, match="no image is named like the release's"):
        _in_images(None, ["other:1"])


def test_without_a_release_there_is_nothing_to_look_for() -> None:
    with pytest.raises(Undetermined, match="no web release"):
        looking(TARGET, server_with()).observe(leaks_in_log_files)


LINES = st.lists(
    st.lists(st.sampled_from(["found", "looked", "tracked", "commits", "same", "1", "0", "x", ""]), max_size=4).map(
        "\t".join
    )
    | st.text(max_size=12),
    max_size=4,
).map("\n".join)


@given(LINES)
def test_a_foreign_answer_is_read_or_refused(foreign: str) -> None:
    for read in (read_search, read_git, read_file_modes, lambda text: read_taken_over("web", text)):
        with contextlib.suppress(ValueError, LookupError):
            read(foreign)
