"""Plain pytest-testinfra over ssh with a control path, one command after another, as a whole process."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

FACTS = Path(__file__).with_name("facts.py")
SECONDS = 180


def ask(ssh_config: Path, address: str) -> int:
    """Ask every fact; returns how many commands it took. A fact that is not so is an error of the measurement."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "ssh_config"
        control = f"  ControlMaster auto\n  ControlPath {folder}/control\n  ControlPersist 30\n"
        config.write_text(ssh_config.read_text() + control)
        plain = ["-c", "/dev/null", f"--rootdir={FACTS.parent}", "-pno:cacheprovider", "-pno:allure_pytest", "-s", "-q"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plain, f"--hosts=ssh://root@{address}", f"--ssh-config={config}", FACTS],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        subprocess.run(["ssh", "-F", str(config), "-l", "root", "-O", "exit", address], capture_output=True, timeout=30)
    counted = re.search(r"^commands (\d+)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted, done.stdout
    return int(counted[1])
