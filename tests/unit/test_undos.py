"""What the undo of each act says where the Docker Engine does not answer, and where somebody else was there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from conftest import CATALOGUE
from drills.rollback.switch_actions import AS_WRITTEN, START, STOP, SWITCH
from runbook.model.action import INTERFERED, SOMEBODY_ELSE, Action
from runbook.model.target_file import load
from runbook.model.template import template_values

FACTS = template_values(load("lab"))
VALUES = {
    "release": "psyfit-web-1",
    "address": "172.18.0.7",
    "to": "psyfit-web-1:3000",
    "target": "psyfit-web-2:3000",
    "flags": ["--tls"],
    "before": '{"name":"psyfit-web","before":1}',
    "left": '{"name":"psyfit-web","left":1}',
    "table": "visits",
    "column": "token",
    "mark": "abc",
    "file": "/backups/file",
    "memory": "1",
    "cpus": "1",
    "mount": "type=volume",
    "statement": "SELECT 1",
}
SILENT = "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"
GONE = 'case "$1 $2" in "ps "*) ;; exec*) echo "$ENTRY" ;; *) echo "No such container" >&2; exit 1 ;; esac'


def undone(act: Action, docker: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Exit status and last line of an act's undo, with this in place of docker."""
    (folder / "docker").write_text(f"#!/bin/sh\n{docker}\n")
    (folder / "docker").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", act.with_values(**VALUES).render_undo(FACTS)],
        env={**os.environ, **environment, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, (done.stdout.splitlines() or [""])[-1]


@pytest.mark.parametrize("act", CATALOGUE.actions, ids=CATALOGUE.actions.get)
def test_an_engine_that_does_not_answer_is_never_somebody_elses_change(act: Action, tmp_path: Path) -> None:
    status, last = undone(act, SILENT, tmp_path)
    assert status != INTERFERED
    assert not last.startswith(SOMEBODY_ELSE)
    assert status != 0 or act.undo.startswith(":"), "it has undone nothing"


@pytest.mark.parametrize("act", [START, STOP], ids=["start", "stop"])
def test_a_release_that_somebody_has_removed_is_a_finding(act: Action, tmp_path: Path) -> None:
    assert undone(act, GONE, tmp_path, ENTRY=VALUES["before"]) == (  # type: ignore[arg-type]
        INTERFERED,
        "interfered: somebody else has removed psyfit-web-1",
    )


@pytest.mark.parametrize("act", [START, SWITCH, AS_WRITTEN], ids=["start", "switch", "as written"])
def test_a_route_that_somebody_has_changed_is_a_finding(act: Action, tmp_path: Path) -> None:
    assert undone(act, GONE, tmp_path, ENTRY='{"name":"psyfit-web","theirs":1}') == (
        INTERFERED,
        "interfered: somebody else has changed the route of the proxy",
    )


def test_what_section_3_4_has_left_is_known_also_when_the_release_has_another_address(tmp_path: Path) -> None:
    left = '{"name":"psyfit-web","active_targets":["172.18.0.7:3000"]}'
    engine = (
        f'case "$*" in *" deploy "*) touch {tmp_path}/back ;; exec*) echo "$ENTRY" ;; inspect*) echo 172.18.0.9 ;; esac'
    )
    undone(AS_WRITTEN, engine, tmp_path, ENTRY=left)
    assert (tmp_path / "back").exists()
