"""At its end a test run says its seed and how to repeat what failed; what was not run makes it red."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.telling import SEED, SKIPPED_FOR, Told

pytest_plugins = ["pytester"]

Ran = Callable[..., pytest.RunResult]
KNOWN = sorted(SKIPPED_FOR)[0]


@pytest.fixture
def ran(pytester: pytest.Pytester) -> Ran:
    """Run tests with what our own tests have; with more than one worker in processes of their own."""
    pytester.makeconftest("from tests.conftest import pytest_addoption, pytest_configure")

    def run(tests: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=tests)
        if not any("--numprocesses" in one for one in options):
            return pytester.runpytest_inprocess("-pno:cacheprovider", *options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
            return pytester.runpytest_subprocess("-pno:cacheprovider", *options)

    return run


def told(*reports: tuple[str, str, str], collected: set[str] | None = None, reason: str = KNOWN) -> Told:
    """What is told of a session with these phases: test, phase, outcome."""
    seen = Told(collected if collected is not None else {test for test, _, _ in reports})
    for test, when, outcome in reports:
        longrepr = ("file", 1, f"Skipped: {reason}") if outcome == "skipped" else None
        seen.reported(pytest.TestReport(test, ("", 0, ""), {}, outcome, longrepr, when))  # type: ignore[arg-type]
    return seen


def test_a_run_that_passes_says_its_seed(ran: Ran) -> None:
    result = ran("def test_one(): pass")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*= this run =*", f"RUNBOOK_SEED={SEED}"])


@pytest.mark.parametrize("workers", [(), ("--numprocesses=1",)], ids=["alone", "shared out"])
def test_the_one_command_that_repeats_what_failed_is_printed(ran: Ran, workers: tuple[str, ...]) -> None:
    tests = """
        import pytest

        @pytest.mark.parametrize("what", ["a b", "it's"])
        def test_fails(what):
            assert not what

        def test_passes():
            pass
    """
    result = ran(tests, *workers)
    assert result.ret == 1
    (line,) = [one for one in result.outlines if one.startswith(f"RUNBOOK_SEED={SEED} .venv/bin/python -m pytest ")]
    assert "'test_it.py::test_fails[a b]'" in line
    assert """'test_it.py::test_fails[it'"'"'s]'""" in line
    assert "test_passes" not in line


def test_hypothesis_draws_by_the_same_seed(ran: Ran) -> None:
    tests = """
        from hypothesis import given, settings, strategies

        @settings(database=None)
        @given(strategies.integers())
        def test_draws(number):
            print("drawn", number)
    """
    first, second = (
        [line for line in ran(tests, "--capture=no").outlines if line.startswith("drawn ")] for _ in range(2)
    )
    assert len(first) > 10
    assert first == second


def test_a_session_that_ends_early_and_calls_itself_well_is_red(ran: Ran) -> None:
    result = ran(
        """
        import pytest

        def test_first():
            pass

        def test_leaves(request):
            pytest.exit("enough", returncode=0)

        def test_never_begun():
            pass
        """
    )
    assert result.ret != 0
    result.stdout.fnmatch_lines(["2 tests were not run, so this run is red:", "  test_it.py::test_leaves"])


def test_a_test_that_is_passed_over_in_silence_is_red(ran: Ran) -> None:
    result = ran(
        """
        import pytest

        class Silent:
            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_protocol(self, item):
                return item.name == "test_silenced" or None

        def test_first(request):
            request.config.pluginmanager.register(Silent())

        def test_silenced():
            pass
        """
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["1 tests were not run, so this run is red:", "  test_it.py::test_silenced"])


def test_a_skip_for_a_reason_that_is_not_known_is_red(ran: Ran) -> None:
    result = ran("import pytest\ndef test_skipped(): pytest.skip('no time')")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["1 tests were skipped for a reason that is not known:", "  *::test_skipped: no time"])


def test_a_skip_for_a_known_reason_is_not() -> None:
    assert told(("a", "setup", "skipped")).is_whole


def test_a_failure_stands_whatever_phase_it_was_in() -> None:
    assert told(("a", "setup", "passed"), ("a", "call", "passed"), ("a", "teardown", "failed")).failed == ["a"]
    assert told(("a", "setup", "failed"), ("a", "teardown", "passed")).failed == ["a"]


def test_a_test_whose_setup_alone_was_seen_was_not_run() -> None:
    assert told(("a", "setup", "passed"), collected={"a", "b"}).not_run == ["a", "b"]


def test_a_collection_alone_runs_nothing_and_is_not_red(ran: Ran) -> None:
    assert ran("def test_one(): pass", "--collect-only").ret == 0
