"""A command line of ours in a process that has loaded everything: the same as in one of its own, as often as asked."""

from __future__ import annotations

from tests.lab.looking import runbook
from tests.lab.warm import Warm


def test_each_command_is_run_as_if_it_were_the_first() -> None:
    warm, wanted = Warm(), runbook("show", "3.4")
    for _ in range(2):
        done = warm.runbook("show", "3.4")
        assert (done.returncode, done.stdout) == (0, wanted.stdout)
    wrong = warm.runbook("verify", "--target", "nowhere")
    assert (wrong.returncode, "nowhere.toml: cannot be read" in wrong.stdout) == (2, True)
