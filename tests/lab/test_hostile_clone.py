"""Whoever may write the clone's configuration is that account, and never root, whatever is asked of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.contents import APP, GIT, OWNER
from lab.server import Server
from tests.lab.looking import runbook
from tests.lab.test_init import init

PLACE = "/run/traps"

# Each trap says as whom it was started and is otherwise well-behaved, so that what is asked goes on to its end.
SET = f"""
set -eu
cp -p {APP}/.git/config /run/config.before
mkdir -p {PLACE}/seen {APP}/.git/hooks
chmod 0777 {PLACE}/seen
for name in fsmonitor ssh pager clean alias helper ext included hook; do
  {{
    echo '#!/bin/sh'
    echo 'echo '$name' >> {PLACE}/seen/"$(id -u)"'
    echo '[ '$name' != clean ] || exec cat'
    echo 'exit 1'
  }} > {PLACE}/$name
done
chmod 0755 {PLACE}/*
for hook in post-index-change reference-transaction post-checkout fsmonitor-watchman; do
  cp {PLACE}/hook {APP}/.git/hooks/$hook
done
cat > {PLACE}/included-file <<'END'
[url "ext::{PLACE}/ext "]
    insteadOf = /srv/git/
[diff]
    external = {PLACE}/included
END
cat >> {APP}/.git/config <<'END'
[core]
    fsmonitor = {PLACE}/fsmonitor
    sshCommand = {PLACE}/ssh
    pager = {PLACE}/pager
    hooksPath = {APP}/.git/hooks
[filter "x"]
    clean = {PLACE}/clean
[alias]
    status = !{PLACE}/alias
[credential]
    helper = !{PLACE}/helper
[protocol "ext"]
    allow = always
[include]
    path = {PLACE}/included-file
END
echo '* filter=x' > {APP}/.git/info/attributes
chown -R {OWNER}: {APP}/.git
touch {APP}/VERSION
"""
BY_SSH = f"{GIT} config --unset include.path; {GIT} config remote.origin.url ssh://git.example.test/psyfit.git"
TAKE_AWAY = f"""
[ ! -e /run/config.before ] || mv /run/config.before {APP}/.git/config
rm -f {APP}/.git/info/attributes {APP}/.git/hooks/post-* {APP}/.git/hooks/reference-* {APP}/.git/hooks/fsmonitor-*
rm -rf {PLACE}
{GIT} update-index --refresh
"""
SEEN = f"cd {PLACE}/seen && sort -u * && echo by && ls"


@pytest.fixture
def traps(lab: Server) -> Iterator[None]:
    """A clone whose configuration names a program wherever git would start one."""
    try:
        lab.run(SET).required()
        yield
    finally:
        lab.run(TAKE_AWAY).required()


def seen(lab: Server) -> tuple[set[str], set[str]]:
    """The traps that were started, and by the numbers of which accounts."""
    names, _, accounts = lab.run(SEEN).required().out.partition("by\n")
    return set(names.split()), set(accounts.split())


@pytest.mark.usefixtures("traps")
def test_nothing_that_the_clone_names_runs_as_root(lab: Server, reports: Path, tmp_path: Path) -> None:
    target = ("--target", str(lab.state / "target.toml"), "--reports", str(reports))
    owner = lab.run(f"id -u {OWNER}").required().out.strip()

    for command in (("verify",), ("gate",), ("triage", "--within", "60")):
        runbook(*command, *target)
        assert seen(lab)[1] == {owner}, command
    assert init(lab, "root", tmp_path / "made.toml").returncode == 0
    for drill in ("rollback", "restore"):
        done = runbook("drill", drill, *target)
        assert done.returncode == 0, done.stdout + done.stderr
    lab.run(BY_SSH).required()
    runbook("verify", *target, "--section", "4.2")

    names, accounts = seen(lab)
    assert accounts == {owner}
    assert names == {"clean", "ext", "ssh"}, "what the clone's owner chose goes on working; hooks and helpers are off"
