"""Folders for temporary files go with their process, or with the next one that makes some."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runbook.process import private_files


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's folder for temporary files, and a process that has made none yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(private_files, "_made", set())
    return tmp_path


def left_by_another(temporary: Path, ending: str) -> Path:
    """What another process has left that made a folder and ended so."""
    script = (
        "import os, signal, tempfile; from runbook.process import private_files; "
        f"print(private_files.make(), flush=True); {ending}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={"TMPDIR": str(temporary)}, cwd=ROOT, capture_output=True, text=True
    )
    return Path(done.stdout.strip())


ROOT = Path(__file__).resolve().parents[2]


def test_a_folder_is_for_this_account_alone_and_is_taken_away() -> None:
    folder = private_files.make()
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "docker.sock").touch()
    private_files.remove(folder)
    assert not folder.exists()


@pytest.mark.parametrize("ending", ["pass", "raise RuntimeError", "raise SystemExit(3)"])
def test_it_goes_with_its_process_whatever_ends_that(ending: str, temporary: Path) -> None:
    assert not left_by_another(temporary, ending).exists()


def test_what_a_killed_process_has_left_goes_with_the_next_folder_that_is_made(temporary: Path) -> None:
    left = left_by_another(temporary, "os.kill(os.getpid(), signal.SIGKILL)")
    assert left.exists()
    private_files.make()
    assert not left.exists()


def test_what_is_not_known_to_be_ours_and_left_behind_stays(temporary: Path) -> None:
    ours = private_files.make()
    namespace, process, started = ours.name.split("-")[1:4]
    stay = [
        ours,
        temporary / f"runbook-{namespace}-{process}-{started}-0badcafe",
        temporary / f"runbook-{int(namespace) + 1}-{process}-1-0badcafe",
        temporary / "runbook-notes",
    ]
    for one in stay[1:]:
        one.mkdir()
    (temporary / f"runbook-{namespace}-{process}-1-0badcafe").symlink_to(temporary / "runbook-notes")
    private_files._made.clear()
    private_files.make()
    assert all(one.is_dir() for one in stay)


def test_where_none_can_be_made_it_is_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc/self/nowhere")
    assert not private_files.make().exists()
