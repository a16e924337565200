"""Whoever may write the clone's configuration is that account, and never root, whatever is asked of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.provisioning import APP, GIT, OWNER
from lab.server import Server
from runbook.model.record import Run
from tests.lab.looking import runbook
from tests.lab.test_init import init

PLACE = "/run/traps"
HOOKS = "post-index-change reference-transaction post-checkout fsmonitor-watchman"

# Each trap says as whom it was started and is otherwise well-behaved, so that what is asked goes on to its end.
SET = f"""
set -eu
cp -p {APP}/.git/config /run/config.before
mkdir -p {PLACE}/seen {APP}/.git/hooks
for name in fsmonitor ssh pager clean alias helper ext included hook; do
  {{
    echo '#!/bin/sh'
    echo 'echo '$name' >> {PLACE}/seen/"$(id -u)"'
    echo '[ '$name' != clean ] || exec cat'
    echo 'exit 1'
  }} > {PLACE}/$name
done
chmod 0755 {PLACE}/*
chmod 0777 {PLACE}/seen
for hook in {HOOKS}; do
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
rm -f {APP}/.git/info/attributes
for hook in {HOOKS}; do rm -f {APP}/.git/hooks/$hook; done
rm -rf {PLACE}
{GIT} update-index --refresh
"""
SEEN = f"cd {PLACE}/seen && ls && echo were && find . -type f -exec sort -u {{}} +"


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
    accounts, _, names = lab.run(SEEN).required().out.partition("were\n")
    return set(names.split()), set(accounts.split())


def asked_git(lab: Server, reports: Path, *command: str) -> bool:
    """Run a command of ours, whatever it comes to; whether git has answered it."""
    before = set(reports.iterdir())
    done = runbook(*command, "--target", str(lab.state / "target.toml"), "--reports", str(reports))
    made = set(reports.iterdir()) - before
    assert len(made) == 1, done.stdout + done.stderr
    run = Run.model_validate_json((made.pop() / "run.json").read_text())
    return any(f"ask_git {APP} " in one.asked and one.status == 0 for one in run.exchanges)


@pytest.mark.usefixtures("traps")
def test_nothing_that_the_clone_names_runs_as_root(lab: Server, reports: Path, tmp_path: Path) -> None:
    owner = lab.run(f"id -u {OWNER}").required().out.strip()

    assert init(lab, "root", tmp_path / "made.toml").returncode == 0
    assert not asked_git(lab, reports, "triage", "--within", "60"), "it names what is broken, and leaves git alone"
    for command in (("verify",), ("gate",), ("drill", "rollback"), ("drill", "restore")):
        assert asked_git(lab, reports, *command), command
        assert seen(lab)[1] == {owner}, command
    lab.run(BY_SSH).required()
    assert asked_git(lab, reports, "verify", "--section", "4.2")

    names, accounts = seen(lab)
    assert accounts == {owner}
    assert names == {"clean", "ext", "ssh"}, "what the clone's owner chose goes on working; hooks and helpers are off"
