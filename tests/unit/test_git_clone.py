"""The clone on the server and its origin, as git tells of them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.deploy.git_clone import read_remote, read_status, why

COMMIT = "53bd17acb6e2fa70bcba41b6ba89126e076c379f"
OTHER = "caabba0f00000000000000000000000000000000"
HEAD = f"# branch.oid {COMMIT}\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +0 -0\n"
MODES = "N... 100644 100644 100644"


def test_a_clean_clone_is_read() -> None:
    clone = read_status(HEAD)
    assert (clone.branch, clone.commit, clone.changed, clone.hidden) == ("main", COMMIT, (), ())


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (f"1 .M {MODES} {OTHER} {OTHER} config/proxy-options", "config/proxy-options"),
        (f"1 A. {MODES} {OTHER} {OTHER} a file with blanks", "a file with blanks"),
        (f"2 R. {MODES} {OTHER} {OTHER} R100 new name\told name", "new name"),
        (f"u UU N... 100644 100644 100644 100644 {OTHER} {OTHER} {OTHER} in conflict", "in conflict"),
        ("? bin/hotfix.sh", "bin/hotfix.sh"),
    ],
    ids=["edited", "added", "renamed", "conflict", "unknown"],
)
def test_what_differs_from_the_commit_is_named(line: str, path: str) -> None:
    assert read_status(f"{HEAD}{line}\n").changed == (path,)


def test_a_change_that_names_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match="too few fields"):
        read_status(f"{HEAD}1 .M {MODES} {OTHER} {OTHER}\n")


def test_a_file_that_git_is_told_not_to_look_at_is_no_secret() -> None:
    assert read_status(f"{HEAD}hidden config/proxy-options\n").hidden == ("config/proxy-options",)


def test_no_branch_is_none() -> None:
    assert read_status(HEAD.replace("head main", "head (detached)")).branch is None


def test_before_the_first_commit_there_is_none() -> None:
    assert read_status(HEAD.replace(COMMIT, "(initial)")).commit is None


def test_the_origins_commit_is_read_past_what_the_way_there_said() -> None:
    banner = "Warning: Permanently added 'git.example' to the list of known hosts.\n"
    assert read_remote(f"{banner}{COMMIT}\trefs/heads/main\n") == COMMIT


@pytest.mark.parametrize(
    "text", ["", f"{COMMIT}\trefs/heads/other\n", "0\trefs/heads/main\n", f"{COMMIT}\trefs/heads/main\n" * 2]
)
def test_what_names_no_single_commit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="commits of one branch"):
        read_remote(text)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "fatal: Could not read from remote repository.\n\nPlease make sure\n",
            "fatal: Could not read from remote repository.",
        ),
        (
            "ssh: connect to host git.example port 22: Connection timed out\n",
            "ssh: connect to host git.example port 22: Connection timed out",
        ),
        ("\n \n", "nothing"),
    ],
)
def test_of_a_failure_the_reason_is_told_and_not_the_advice(said: str, line: str) -> None:
    assert why(said) == line


def test_a_reason_is_short_however_much_was_said() -> None:
    assert len(why("x" * 10_000_000)) == 300


@given(st.text() | st.text(alphabet="12u?# .NMhiden\t\n").map(HEAD.__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError, LookupError):
        read_status(text)
    with contextlib.suppress(ValueError):
        read_remote(text)
