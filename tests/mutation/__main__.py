"""``make mutate``: weaken checks and steps, one change at a time, and say which change no test and no fault noticed.

First the unit tests that go through the changed function are run; what they do not notice is put before the answers
that the lab gave under each fault. Those are kept, and asked of a lab again when the lab or a check is another.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from rich.console import Console

from commands import packages
from tests.mutation import explained, recording, replay
from tests.mutation.swapping import Functions
from tests.mutation.trial import Reach, places_of, unnoticed
from tests.mutation.weakening import Module, Weakening, module

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("steps", "checks")
EVERY = 100
ELSEWHERE = {
    Path("steps/restore.py"): "a drill: carried out on a lab alone, by tests/lab/test_restore.py",
    Path("steps/rollback.py"): "a drill: carried out on a lab alone, by tests/lab/test_rollback.py",
    Path("checks/deploy/steady_state.py"): "what a drill compares, by tests/lab/test_drilling.py",
    Path("discovery"): "what `runbook init` looks at, by tests/lab/test_init.py",
}
"""What neither a unit test nor a recorded answer reaches, and by what it is tried on a lab; named with the figures."""

One = tuple[Module, Weakening]

settings.register_profile(
    "mutation",
    deadline=None,
    max_examples=15,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)


def main() -> None:
    """Try all weakenings; exit 1 where one is neither noticed nor explained."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("only", nargs="*", help="files of checks/ and steps/, such as steps/health.py; all by default")
    parser.add_argument("--without-lab", action="store_true", help="take the answers that are kept, and no lab")
    parser.add_argument("--record", action="store_true", help="only keep the lab's answers")
    asked = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    if not asked.without_lab:
        recording.record_all(console.print)
    if asked.record:
        return
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    names = asked.only or [str(path.relative_to(ROOT)) for path in paths if path.relative_to(ROOT) not in ELSEWHERE]
    wanted = [path for path in paths if str(path.relative_to(ROOT)) in names]
    mutating = _Mutating(console, paths, wanted)
    options = ["--hypothesis-profile=mutation", "-pno:cacheprovider", "-pno:terminalreporter", "-pno:randomly"]
    pytest.main([*options, f"--rootdir={ROOT}", str(ROOT / "tests" / "unit")], plugins=[mutating])
    sys.exit(mutating.told())


class _Mutating:
    """Runs the unit tests once to see what each goes through, then those concerned for each weakening."""

    def __init__(self, console: Console, paths: list[Path], wanted: list[Path]) -> None:
        self._console, self._paths = console, paths
        self._modules = [module(path) for path in wanted]
        self._all: list[One] = [(one, weakening) for one in self._modules for weakening in one.weakenings]
        self._failed = False
        self._left: list[One] | None = None
        self._by_tests = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        packages.declaring()
        packages.meanings()
        reach = Reach(self._paths)
        session.items[:] = filter(_concerns_them, session.items)
        for number, item in enumerate(session.items):
            began = time.monotonic()
            with reach.by(number, lambda began=began: time.monotonic() - began):  # type: ignore[misc]
                self._run(item)
            if self._failed:
                raise pytest.UsageError(f"{item.nodeid} fails as it is; nothing was weakened")
        functions = Functions(frozenset(map(str, self._paths)))
        self._console.print(f"{len(self._all)} weakenings; {len(session.items)} unit tests")

        def notices(number: int) -> bool:
            return self._run(session.items[number])

        def cases(one: Weakening) -> list[int]:
            return reach.of(places_of(one, functions))

        left = [*unnoticed(self._all, functions, cases, notices, self._counting("by the unit tests", len(self._all)))]
        self._by_tests = len(self._all) - len(left)
        self._left = [*self._by_faults(left, functions)]
        return True

    def _run(self, item: pytest.Item) -> bool:
        """Whether the test fails."""
        self._failed = False
        reports = runtestprotocol(item, log=False, nextitem=None)
        self._failed = any(one.failed for one in reports)
        return self._failed

    def _by_faults(self, left: list[One], functions: Functions) -> Iterator[One]:
        """What the answers of the lab do not let anybody notice either."""
        recordings = replay.kept()
        reach = Reach(self._paths)
        cases = [*replay.telling(recordings)]
        before = []
        for number, case in enumerate(cases):
            began = time.monotonic()
            with reach.by(number, lambda began=began: time.monotonic() - began):  # type: ignore[misc]
                before.append(replay.looked_again(*case))
        self._console.print(f"{len(left)} unnoticed; {len(recordings)} recordings of the lab, {len(cases)} outcomes")

        def notices(number: int) -> bool:
            return replay.looked_again(*cases[number]) != before[number]

        def of(one: Weakening) -> list[int]:
            return reach.of(places_of(one, functions))

        return unnoticed(left, functions, of, notices, self._counting("by the faults", len(left)))

    def _counting(self, how: str, total: int) -> Counting:
        return Counting(self._console, how, total)

    def told(self) -> int:
        """Print what is left; returns the exit code."""
        if self._left is None:
            return 70
        table = explained.load()
        left = [one for _, one in self._left]
        open_ones = [one for one in left if explained.why(table, one) is None]
        for one in open_ones:
            self._console.print(f"{one.path.relative_to(ROOT)}:{one.line}: {one.function}: {one.what}", markup=False)
        files = {str(one.path.relative_to(ROOT)) for one in self._modules}
        stale = [entry for entry in table if entry.file in files and not any(entry.is_of(one) for one in left)]
        for entry in stale:
            self._console.print(f"{entry.file}: {entry.function}: {entry.what}: explained, and noticed", markup=False)
        by_faults = len(self._all) - self._by_tests - len(left)
        self._console.print(
            f"{len(self._all)} weakenings: {self._by_tests} noticed by unit tests, {by_faults} by faults on the lab, "
            f"{len(left) - len(open_ones)} explained, {len(open_ones)} noticed by nobody"
        )
        for path, why in ELSEWHERE.items():
            self._console.print(f"{path} is not weakened here: {why}", markup=False)
        return 1 if open_ones or stale else 0


def _concerns_them(item: pytest.Item) -> bool:
    """Whether the test's module has anything of what is weakened; another one goes through none of it here."""
    named = vars(item.module).values() if isinstance(item, pytest.Function) else ()
    return any(str(getattr(one, "__module__", None) or "").partition(".")[0] in ROOMS for one in named)


class Counting:
    """Says now and then how far it is."""

    def __init__(self, console: Console, how: str, total: int) -> None:
        self._console, self._how, self._total, self._done = console, how, total, 0

    def __call__(self) -> None:
        self._done += 1
        if self._done % EVERY == 0:
            self._console.print(f"  tried {self._how}: {self._done} of {self._total}")


if __name__ == "__main__":
    main()
