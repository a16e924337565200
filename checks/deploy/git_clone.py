"""The clone on the server that a deploy is made from, and the branch at its origin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runbook.model import rights
from runbook.model.git_as_owner import answered, asked, asking_git
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

CLONE = Command(
    asking_git(
        "ask_git {app} status --porcelain=v2 --branch --untracked-files=normal || exit\n"
        "files=$(ask_git {app} ls-files -v) || exit\n"
        "printf '%s\\n' \"$files\" | sed -n 's/^[a-zS] /hidden /p'"
    ),
    needs=rights.CLONE,
)
"""Files can be marked so that status passes them over."""

ORIGIN = Command(
    asking_git(
        "said=$(ask_git {app} ls-remote --exit-code origin refs/heads/main 2>&1); status=$?\n"
        "[ -z \"$said\" ] || printf '%s\\n' \"$said\" | sed -E 's#://[^/@ ]+@#://#g'\n"
        'exit "$status"'
    ),
    needs=rights.CLONE,
    seconds=15,
    lane="docker",
)
"""On one stream: what a git host refuses is no right of the account on the server. It may hang, the quick lane not.

git names the origin where it cannot read it, and its address may hold a password.
"""

DEPLOY_SCRIPT = Command("stat -L -c '%f' -- {app}/bin/deploy.sh")

NO_SUCH_BRANCH = 2
LONGEST_REASON = 300
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Clone:
    """The clone as it stands.

    Attributes:
        branch: What is checked out; None where it is no branch.
        commit: Where it stands; None before the first commit.
        changed: Paths that differ from that commit, unknown files among them.
        hidden: Paths that git was told not to look at.
    """

    branch: str | None
    commit: str | None
    changed: tuple[str, ...]
    hidden: tuple[str, ...]


def clone(snapshot: Snapshot) -> Clone:
    """The clone on the server: what is checked out, and what in it is not committed."""
    told = answered(snapshot.ask(CLONE), "the clone on the server")
    with reading("the clone on the server"):
        return read_status(told.out)


def origin_commit(snapshot: Snapshot) -> str | None:
    """The commit at which the origin's main stands; None where it has no such branch."""
    told = snapshot.ask(ORIGIN)
    asked(told, "the clone's origin")
    if told.status == NO_SUCH_BRANCH and not told.out.strip():
        return None
    if told.status != 0:
        raise Undetermined(
            f"the clone's origin could not be read: git ended with {told.status} and said: {why(told.out)}"
        )
    with reading("the clone's origin"):
        return read_remote(told.out)


def deploy_script(snapshot: Snapshot) -> int | None:
    """The mode of the deploy script, type and permissions as `stat.S_ISREG` and its like read it; None without one."""
    told = snapshot.ask(DEPLOY_SCRIPT)
    if told.status != 0 and "No such file" in told.err:
        return None
    with reading("the deploy script"):
        return int(told.required("the deploy script").out, 16)


def read_status(text: str) -> Clone:
    """Read ``git status --porcelain=v2 --branch``, then a line ``hidden PATH`` for each file that it passes over.

    Raises:
        ValueError: A line is not of these forms.
        LookupError: It does not say what is checked out.
    """
    heads: dict[str, str] = {}
    changed, hidden = [], []
    for line in lines_of(text):
        kind, _, rest = line.partition(" ")
        match kind:
            case "#":
                name, _, value = rest.partition(" ")
                heads[name] = value
            case "?":
                changed.append(rest)
            case "1" | "2" | "u":
                changed.append(_path(kind, rest))
            case "hidden":
                hidden.append(rest)
            case _:
                raise ValueError("there is an unexpected line")
    branch, commit = heads["branch.head"], heads["branch.oid"]
    return Clone(
        branch=None if branch == "(detached)" else branch,
        commit=None if commit == "(initial)" else commit,
        changed=tuple(changed),
        hidden=tuple(hidden),
    )


def read_remote(text: str) -> str:
    """The commit that ``git ls-remote`` lists for one branch, whatever the way there said before it.

    Raises:
        ValueError: It lists no commit, or more than one.
    """
    lines = [line.split("\t") for line in lines_of(text) if line.endswith("\trefs/heads/main")]
    commits = [fields[0] for fields in lines if COMMIT.fullmatch(fields[0])]
    if len(commits) != 1:
        raise ValueError(f"there are {len(commits)} commits of one branch")
    return commits[0]


def why(text: str) -> str:
    """What git says of a failure, in one line: its first fatal one, for those that follow are advice."""
    lines = [line.strip() for line in lines_of(text) if line.strip()] or ["nothing"]
    return next((line for line in lines if line.startswith("fatal: ")), lines[-1])[:LONGEST_REASON]


def _path(kind: str, rest: str) -> str:
    """The path of a changed entry, behind 7 fields; 8 where it was renamed (the old path follows), 9 in a conflict."""
    before = {"1": 7, "2": 8, "u": 9}[kind]
    fields = rest.split(" ", before)
    if len(fields) <= before:
        raise ValueError("a changed entry has too few fields")
    return fields[before].partition("\t")[0]
