"""A screen that is gone: nothing raises, and the process ends with its own code and without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS_MUCH = """\
import sys
from rich.console import Console
from runbook.process import standard_streams
standard_streams.open_all()
with standard_streams.lasting():
    for _ in range({lines}):
        print("a line of what was seen " * 10)
        Console().print("and one of rich's")
    sys.stderr.write("a word\\n")
sys.exit(3)
"""


@pytest.mark.parametrize("lines", [1, 2_000], ids=["found out at the end", "found out on the way"])
@pytest.mark.parametrize(
    "screen",
    [
        "{python} - <{script} | true; exit ${{PIPESTATUS[0]}}",
        "exec {python} - <{script} >/dev/full 2>&1",
        "exec {python} - <{script} >/dev/full 2>&-",
        "exec {python} - <{script} >&- 2>&-",
    ],
)
def test_the_code_is_the_processes_own_whatever_becomes_of_its_screen(lines: int, screen: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SAYS_MUCH.format(lines=lines))
    line = screen.format(python=sys.executable, script=script)
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.replace("a word\n", "")) == (3, "")


def test_what_the_screen_cannot_show_is_shown_as_something_else() -> None:
    script = (
        "import sys; from runbook.process import standard_streams\nwith standard_streams.lasting(): print('✓ \\ud800')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, env={"PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\\u2713 \\ud800\n", b"")
