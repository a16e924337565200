"""The suite and goss within the lab's own machine, asked the same there over the local connection."""

from __future__ import annotations

import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import docker

from lab.images import cache_folder, digest_of
from lab.outer_container import PORTS
from lab.programs import run
from lab.server import Server
from runbook.model.outside_questions import HttpAnswer, HttpGet
from runbook.model.question import Command, ListContainers, Output
from runbook.model.record import Run
from runbook.model.template import template_values
from tests.mutation import replay

ROOT = Path(__file__).resolve().parents[2]
MODULE = Path(__file__).with_name("goss")
GOSS = "github.com/goss-org/goss/cmd/goss"
THERE = "/opt/bench"
ROOMS = (
    "runbook",
    "checks",
    "discovery",
    "drills",
    "steps",
    "linting",
    "traceability",
    "reporting",
    "commands",
    "lab",
    "features",
)
FILES = ("conftest.py", "pyproject.toml", "controls.toml", "coverage.toml", "misleading.toml")
NOT_NEEDED = ("mypy", "playwright", "ruff", "uv", "hypothesis", "setuptools", "pip")
BUILD_SECONDS = 240
SECONDS = 120
EVERY_CONTAINER = "docker inspect $(docker ps -aq --no-trunc)"


@dataclass(frozen=True)
class Timed:
    """One look: as a whole process, and without its start."""

    process_seconds: float
    look_seconds: float


def binary() -> Path:
    """Goss, built once from its module at the version that is pinned there."""
    kept = cache_folder() / f"goss-{digest_of(MODULE)[:12]}"
    if not kept.exists():
        part = kept.with_suffix(".part")
        run(
            ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(part), GOSS],
            seconds=BUILD_SECONDS,
            folder=MODULE,
            environment={**os.environ, "CGO_ENABLED": "0"},
        )
        part.rename(kept)
    return kept


class Inside:
    """Both, put on a lab; `remove` takes them away."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.asked = self.of = 0

    def put(self) -> None:
        """Bring the suite, goss, and what each is to ask."""
        self._server.run(f"rm -rf {THERE} && mkdir -p {THERE}/site {THERE}/state", seconds=30).required()
        self._copy(ROOT, [*ROOMS, *FILES], THERE)
        site = Path(docker.__file__).parents[1]
        wanted = [path.name for path in site.iterdir() if not path.name.startswith(NOT_NEEDED)]
        self._copy(site, wanted, f"{THERE}/site")
        self._copy(self._server.state, [path.name for path in self._server.state.iterdir()], f"{THERE}/state")
        self._copy(binary().parent, [binary().name], THERE)
        self._server.run(f"mv {THERE}/{binary().name} {THERE}/goss", seconds=30).required()
        self._write(f"{THERE}/target.toml", self._target())
        self._write(f"{THERE}/goss.json", self._gossfile())
        self.ours()  # Python keeps what it compiles, and a first run would pay for it

    def remove(self) -> None:
        """Leave nothing there."""
        self._server.run(f"rm -rf {THERE}", seconds=30).required()

    def ours(self) -> Timed:
        """One `runbook verify` there."""
        took, _ = self._timed(
            f"PYTHONPATH={THERE}:{THERE}/site python3 -m commands.main verify "
            f"--target {THERE}/target.toml --reports {THERE}/reports"
        )
        told = self._server.run(f"cat {THERE}/reports/*/run.json && rm -rf {THERE}/reports", seconds=30).required()
        record = Run.model_validate_json(told.out)
        return Timed(took, (record.ended - record.started).total_seconds())

    def goss(self) -> Timed:
        """One `goss validate` there."""
        took, out = self._timed("./goss --gossfile goss.json validate --format json")
        summary = json.loads(out)["summary"]
        return Timed(took, summary["total-duration"] / 1e9)

    def _timed(self, command: str) -> tuple[float, str]:
        """How many seconds a command takes there, by the machine's own clock, and what it prints."""
        done = self._server.run(
            f"cd {THERE} && began=$(date +%s%N) && {command} > said 2>&1; status=$?; "
            "echo $(($(date +%s%N) - began)) $status; cat said",
            seconds=SECONDS,
        )
        figures, _, out = done.out.partition("\n")
        nanoseconds, status = figures.split()
        assert status == "0", out + done.err
        return int(nanoseconds) / 1e9, out

    def _gossfile(self) -> str:
        """Every question that goss can ask, as it was asked of this lab, with the exit status that it had."""
        recording = replay.record(self._server, replay.HEALTHY)
        facts = template_values(recording.target)
        commands: dict[str, object] = {}
        pages: dict[str, object] = {}
        for question, answer in recording.answers.items():
            if isinstance(question, Command) and isinstance(answer, Output):
                asked = {"exec": f"export LC_ALL=C; {question.render(facts)}", "exit-status": answer.status}
                commands[f"question {len(commands)}"] = {**asked, "timeout": SECONDS * 1000}
            elif isinstance(question, ListContainers):
                commands["containers"] = {"exec": EVERY_CONTAINER, "exit-status": 0}
            elif isinstance(question, HttpGet) and isinstance(answer, HttpAnswer):
                page = f"{question.scheme}://{recording.target.domain}{question.path_on(facts)}"
                pages[page] = {"status": answer.status, "allow-insecure": True, "no-follow-redirects": True}
        self.asked, self.of = len(commands) + len(pages), len(recording.answers)
        text = json.dumps({"command": commands, "http": pages})
        return text.replace("{{", '{{"{{"}}')  # goss takes its file for a template

    def _target(self) -> str:
        """The target file as it has to be there: the lab's own address leads to itself, by the ports that it has."""
        text = (self._server.state / "target.toml").read_text()
        ports = {"https_port": 443, "http_port": 80, "port": 53}
        text = re.sub(r"\[ssh\]\n(.+\n)*", "[ssh]\nlocal = true\n", text)
        text = text.replace(str(self._server.state), f"{THERE}/state")
        for served in ("8030", "8900"):
            text = text.replace(f":{PORTS[f'{served}/tcp']}", f":{served}")
        text = re.sub(r"^resolver = .*$", 'resolver = "127.0.0.1"', text, flags=re.MULTILINE)
        for key, port in ports.items():
            text = re.sub(rf"^{key} = .*$", f"{key} = {port}", text, flags=re.MULTILINE)
        return text

    def _write(self, path: str, text: str) -> None:
        self._server.run(f"cat > {path}", stdin=text.encode(), seconds=30).required()

    def _copy(self, folder: Path, names: Iterable[str], there: str) -> None:
        """Copy these of a folder to a folder there, through the machine's own engine."""
        with tempfile.TemporaryFile() as packed:
            with tarfile.open(fileobj=packed, mode="w") as archive:
                for name in names:
                    archive.add(folder / name, name, filter=_without_caches)
            packed.seek(0)
            run(["docker", "cp", "-", f"{self._server.container}:{there}"], stdin=packed, seconds=SECONDS)


def _without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.endswith("__pycache__") else entry
