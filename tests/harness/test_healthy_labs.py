"""No test on a lab fails because of the one before it: the hooks of tests/lab, on labs that are folders here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

Ran = Callable[[str], tuple[pytest.RunResult, list[str]]]

CONFTEST = """\
from contextlib import contextmanager
from pathlib import Path

from tests.lab import conftest as ours
from tests.lab.conftest import *  # noqa: F403 - its hooks and fixtures
from tests.lab.health import LABS

HERE = Path(__file__).parent

class Lab:
    def __init__(self, name):
        self.name, self.place, self.changes = name, HERE / name, 0

@contextmanager
def disposable(name, **_):
    lab = Lab(name)
    lab.place.mkdir(exist_ok=True)
    for path in lab.place.iterdir():
        path.unlink()
    said("made " + name)
    yield lab
    said("taken away " + name)

def said(line):
    with (HERE / "said").open("a") as file:
        print(line, file=file)

def well(server):
    said("looked at " + server.name)
    there = sorted(one.name for one in server.place.iterdir())
    return "it is " + ", ".join(there) if there else ""

def state(server):
    return f"{server.changes} changes, {sorted(server.place.iterdir())}"

def mend(server):
    said("mended " + server.name)
    (server.place / "broken").unlink(missing_ok=True)

ours.disposable, ours.STANDING = disposable, None
LABS.well, LABS.state, LABS.mend = well, state, mend
"""


@pytest.fixture
def ran(pytester: pytest.Pytester) -> Ran:
    """Run tests of a lab; what came of them, and what was done to the labs meanwhile."""
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nmarkers =\n  only_looks: changes nothing\n")

    def run(tests: str) -> tuple[pytest.RunResult, list[str]]:
        pytester.makepyfile(tests)
        root = Path(__file__).resolve().parents[2]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(root))
            patch.delenv("PYTEST_XDIST_WORKER", raising=False)
            result = pytester.runpytest_subprocess("-pno:cacheprovider", "-pno:runbook")
        return result, Path(pytester.path, "said").read_text().splitlines()

    return run


def test_what_a_failed_test_has_broken_is_healed_before_the_next_one(ran: Ran) -> None:
    result, done = ran(
        """
        def test_breaks(lab):
            (lab.place / "broken").touch()
            assert False

        def test_next(lab):
            assert not any(lab.place.iterdir())
        """
    )
    result.assert_outcomes(passed=1, failed=1)
    assert done == ["made test", *["looked at test"] * 2, "mended test", "looked at test", "taken away test"]
    result.stdout.fnmatch_lines(["the lab test was not healthy after *::test_breaks: it is broken"])


def test_a_lab_that_cannot_be_healed_is_made_anew(ran: Ran) -> None:
    result, done = ran(
        """
        def test_ruins(lab):
            (lab.place / "ruined").touch()

        def test_next(lab):
            assert not any(lab.place.iterdir())
        """
    )
    result.assert_outcomes(passed=2)
    assert done[-4:] == ["taken away test", "made test", "looked at test", "taken away test"]
    result.stdout.fnmatch_lines(["the lab test could not be healed after *::test_ruins: it is ruined", "A new one *"])


def test_a_new_lab_that_is_not_healthy_is_said_in_one_sentence(ran: Ran) -> None:
    result, _ = ran(
        """
        from tests.lab.health import LABS
        LABS.well = lambda server: "its clock is off"

        def test_first(lab):
            pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["E *the lab test was not healthy before its first test (*::test_first): its clock is off"]
    )


def test_nothing_is_looked_at_again_after_a_test_that_only_looks(ran: Ran) -> None:
    _, done = ran(
        """
        import pytest

        @pytest.mark.only_looks
        @pytest.mark.parametrize("number", range(3))
        def test_looks(number, lab):
            pass
        """
    )
    assert done.count("looked at test") == 1


def test_a_test_that_only_looks_and_failed_is_not_believed(ran: Ran) -> None:
    _, done = ran(
        """
        import pytest

        @pytest.mark.only_looks
        def test_looks(lab):
            lab.changes += 1
            assert False

        def test_next(lab):
            pass
        """
    )
    assert done.count("looked at test") == 2


def test_a_tests_own_last_look_is_the_look_before_the_next_one(ran: Ran) -> None:
    _, done = ran(
        """
        from tests.lab.health import LABS

        def test_breaks_and_heals(lab):
            assert LABS.whole_look(lab) == ""

        def test_changes(lab):
            lab.changes += 1

        def test_next(lab):
            pass
        """
    )
    assert done.count("looked at test") == 3, "at first, by the test itself, and after the one that changes"


def test_a_lab_that_is_as_it_was_when_it_was_healthy_is_not_looked_at_again(ran: Ran) -> None:
    _, done = ran(
        """
        def test_breaks_and_heals(lab):
            (lab.place / "broken").touch()
            (lab.place / "broken").unlink()

        def test_changes(lab):
            lab.changes += 1

        def test_changes_it_back(lab):
            lab.changes -= 1

        def test_next(lab):
            pass
        """
    )
    assert done.count("looked at test") == 3, "at first, and after each of the two that have changed it"


def test_the_other_lab_is_not_looked_at_for_it(ran: Ran) -> None:
    _, done = ran(
        """
        def test_breaks(lab):
            (lab.place / "broken").touch()

        def test_next(nginx_lab):
            pass
        """
    )
    assert (done.count("looked at test"), done.count("looked at test-nginx")) == (1, 1)


def test_what_a_fixture_has_broken_on_purpose_stays_until_its_end(ran: Ran) -> None:
    result, done = ran(
        """
        import pytest
        from tests.lab.health import LABS

        @pytest.fixture(scope="module")
        def broken(lab):
            (lab.place / "broken").touch()
            with LABS.held_broken(lab, "a fixture"):
                yield
            (lab.place / "broken").unlink()

        @pytest.mark.usefixtures("broken")
        @pytest.mark.parametrize("number", range(3))
        def test_sees_it(number, lab):
            assert (lab.place / "broken").exists()
        """
    )
    result.assert_outcomes(passed=3)
    assert done.count("looked at test") == 1
