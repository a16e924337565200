"""A process of ours is waited for no longer than it may take, whoever holds its streams."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.process import communicate
from runbook.process.communicate import TooLate


def started(script: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(["sh", "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[Path]:
    """Where a process in a session of its own writes its number; it is ended afterwards."""
    path = tmp_path / "orphan"
    yield path
    subprocess.run(["kill", path.read_text().strip()], check=True)


def test_both_streams_of_one_that_ends_are_told() -> None:
    process = started("read -r line; echo $line; echo beside >&2; exit 7")
    assert communicate.whole(process, b"given\n", 5) == ("given\n", "beside\n")
    assert process.returncode == 7


def test_one_whose_streams_somebody_else_holds_is_not_waited_for(orphan: Path) -> None:
    process = started(f"setsid sh -c 'echo $$ > {orphan}; exec tail -f /dev/null' & sleep 0.01; exec tail -f /dev/null")
    clock = time.monotonic()
    with pytest.raises(TooLate):
        communicate.whole(process, b"", 0.5)
    assert time.monotonic() - clock < 3
    assert process.returncode is not None


def test_each_line_may_give_it_more_time() -> None:
    process = started("echo more; read -r line; echo done")
    said = []

    def heard(line: str) -> float | None:
        said.append(line)
        return 5 if line == "more" else None

    assert communicate.whole(process, b"\n", 2, heard) == ("more\ndone\n", "")
    assert said == ["more", "done"]


def test_a_line_that_comes_in_two_parts_is_one() -> None:
    process = started("printf 'one '; sleep 0.05; printf 'line\\nand'; sleep 0.05; printf ' more\\n'")
    said: list[str] = []
    communicate.whole(process, b"", 5, lambda line: said.append(line))
    assert said == ["one line", "and more"]


def test_what_it_does_not_read_stops_nobody() -> None:
    assert communicate.whole(started("exit 0"), b"x" * communicate.MOST_STDIN, 5) == ("", "")
