"""Soak in shards: which cases are whose, what has passed as things stand, and one line for each case that has run.

A shard is a piece of everything, in the order in which pytest has it, cut so that all take about as long by what is
known of each case (`SECONDS_OF`). One that was ended is taken up again where it was: a case that has passed is not run
again while nothing that it looks at has changed (`digest_of`), unless it is asked for afresh.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import fmean

import pytest

from tests.telling import SEED

ROOT = Path(__file__).resolve().parents[1]
LEDGER = ROOT / "reports" / "soak.jsonl"
MEASURED = ROOT / "tests" / "soak_seconds.json"
NAMED_FROM_SECONDS = 2.0

SECONDS_OF: dict[str, float] = json.loads(MEASURED.read_text())
"""How long one case takes, by the beginning of its name; the longest beginning that fits is the one that counts."""

NOT_LOOKED_AT = {
    "tests/unit/": ("tests/lab/", "tests/page/"),
    "tests/page/": ("tests/lab/",),
    "tests/lab/": ("tests/page/", "docs/", "README.md", "CONTRIBUTING.md"),
}
"""What the cases of a room do not look at; all else in the repository they may."""


@dataclass(frozen=True)
class Shard:
    """One of so many pieces, counted from 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """Read ``3/12``.

        Raises:
            ValueError: It is no such piece.
        """
        number, slash, of = text.partition("/")
        shard = cls(int(number), int(of)) if slash else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise ValueError(f"no shard: {text!r}; expected one like 3/12")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def of_cases(self, cases: Sequence[str]) -> list[str]:
        """The cases of this shard: those whose middle lies in its part of the whole time."""
        whole = sum(map(seconds_of, cases))
        mine, begun = [], 0.0
        for case in cases:
            middle = begun + seconds_of(case) / 2
            begun += seconds_of(case)
            if min(int(middle / whole * self.of), self.of - 1) == self.number - 1:
                mine.append(case)
        return mine


@dataclass(frozen=True)
class Line:
    """One line of the ledger: a case that has run."""

    case: str
    outcome: str
    seconds: float
    date: str
    commit: str
    clean: bool
    seed: int
    digest: str


def seconds_of(case: str) -> float:
    """How long a case takes, as far as was measured."""
    return SECONDS_OF[max((one for one in SECONDS_OF if case.startswith(one)), key=len)]


def digest_of(case: str) -> str:
    """A digest of all that a case may look at, as it stands in the working tree."""
    return _digest(next(room for room in NOT_LOOKED_AT if case.startswith(room)))


def digests() -> dict[str, str]:
    """The digest for each room."""
    return {room: _digest(room) for room in NOT_LOOKED_AT}


@cache
def _digest(room: str) -> str:
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    seen = hashlib.sha256()
    for name in sorted({one for one in listed if one and not one.startswith(NOT_LOOKED_AT[room])}):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        seen.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return seen.hexdigest()[:16]


def read(ledger: Path) -> list[Line]:
    """The lines of the ledger; one that was cut off as a run was killed is passed over."""
    lines = []
    for text in ledger.read_text().splitlines() if ledger.exists() else []:
        try:
            lines.append(Line(**json.loads(text)))
        except (ValueError, TypeError):
            continue
    return lines


def passed_as_it_stands(lines: Iterable[Line]) -> set[str]:
    """The cases that have passed since the last change of what they look at."""
    return {one.case for one in lines if one.outcome == "passed" and one.digest == digest_of(one.case)}


def measured(lines: Sequence[Line]) -> dict[str, float]:
    """How long cases take by the ledger: the mean of each test that takes long, and of the rest of each room."""
    by_test: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        by_test[line.case.partition("[")[0]].append(line.seconds)
    means = {test: fmean(seconds) for test, seconds in by_test.items()}
    named = {test: mean for test, mean in means.items() if mean >= NAMED_FROM_SECONDS}
    for room in NOT_LOOKED_AT:
        rest = [one.seconds for one in lines if one.case.startswith(room) and one.case.partition("[")[0] not in named]
        named[room] = fmean(rest) if rest else SECONDS_OF[room]
    return {name: round(seconds, 2) for name, seconds in sorted(named.items())}


def main() -> None:
    """Cut the shards anew, by what the ledger has measured."""
    MEASURED.write_text(json.dumps(SECONDS_OF | measured(read(LEDGER)), indent=2, sort_keys=True) + "\n")


class Soaking:
    """The plugin for one session: picks the shard's cases and keeps the ledger."""

    def __init__(self, shard: Shard, ledger: Path, *, afresh: bool) -> None:
        self._shard, self._ledger, self._afresh = shard, ledger, afresh
        self._all: list[str] = []
        self._mine: list[str] = []
        self._before: set[str] = set()
        self._seconds: dict[str, float] = {}
        self._outcomes: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self._all = [item.nodeid for item in items]
        self._mine = self._shard.of_cases(self._all)
        self._digests = digests()
        self._before = set() if self._afresh else passed_as_it_stands(read(self._ledger)) & set(self._mine)
        wanted = set(self._mine) - self._before
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
        items[:] = [item for item in items if item.nodeid in wanted]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        case = report.nodeid
        self._seconds[case] = self._seconds.get(case, 0.0) + report.duration
        if report.outcome != "passed" or case not in self._outcomes:
            self._outcomes[case] = report.outcome
        if report.when == "teardown":
            self._write(case)

    def _write(self, case: str) -> None:
        date = datetime.now(UTC).isoformat(timespec="seconds")
        commit, clean = _commit()
        seconds = round(self._seconds[case], 2)
        line = Line(case, self._outcomes[case], seconds, date, commit, clean, int(SEED), digest_of(case))
        self._ledger.parent.mkdir(exist_ok=True)
        with self._ledger.open("a") as ledger:
            ledger.write(json.dumps(asdict(line)) + "\n")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._mine:
            session.exitstatus = pytest.ExitCode.OK  # all of them have passed before, as things stand
        _digest.cache_clear()
        if self._digests != digests() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section(f"shard {self._shard}")
        if self._digests != digests():
            terminalreporter.write_line("what these cases look at has changed while they ran: they count for nothing")
        now = passed_as_it_stands(read(self._ledger))
        terminalreporter.write_line(
            f"{len(self._mine)} cases: {len(now & set(self._mine))} have passed as things stand, "
            f"{len(self._before)} of them in an earlier run"
        )
        terminalreporter.write_line(f"of all {len(self._all)} cases {len(now & set(self._all))}: {self._ledger}")


@cache
def _commit() -> tuple[str, bool]:
    """The commit that is checked out, and whether nothing has changed since."""
    return _git("rev-parse", "HEAD").strip(), not _git("status", "--porcelain").strip()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


if __name__ == "__main__":
    main()
