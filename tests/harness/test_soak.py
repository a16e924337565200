"""Everything, in shards: each case is in one of them, what has passed is not run again, each case has its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import soak
from tests.soak import Line, Shard

pytest_plugins = ["pytester"]

CASES = st.lists(st.sampled_from(["tests/unit/a", "tests/page/b", "tests/lab/c"]), min_size=1, max_size=200).map(
    lambda rooms: [f"{room}[{number}]" for number, room in enumerate(rooms)]
)


@given(CASES, st.integers(1, 20))
def test_each_case_is_in_one_shard_and_its_neighbours_are_in_the_same_or_the_next(cases: list[str], of: int) -> None:
    assert [case for number in range(1, of + 1) for case in Shard(number, of).of_cases(cases)] == cases


@given(CASES, st.integers(1, 20))
def test_no_shard_takes_longer_than_its_part_and_one_case_more(cases: list[str], of: int) -> None:
    whole, longest = sum(map(soak.seconds_of, cases)), max(map(soak.seconds_of, cases))
    for number in range(1, of + 1):
        assert sum(map(soak.seconds_of, Shard(number, of).of_cases(cases))) <= whole / of + longest + 1e-6


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "a/b", "1/0", "-1/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no shard|invalid literal"):
        Shard.read(text)


def test_a_shard_is_read() -> None:
    assert Shard.read("3/12") == Shard(3, 12)


Ran = Callable[..., pytest.RunResult]

TESTS = """
import pytest
from pathlib import Path

@pytest.mark.parametrize("number", range(4))
def test_case(number):
    assert not Path(f"broken-{number}").exists()
"""


@pytest.fixture
def ran(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Run four cases as soak does, of which each looks at the file ``looked-at``."""
    monkeypatch.setattr(soak, "SECONDS_OF", {"": 1.0})
    monkeypatch.setattr(soak, "NOT_LOOKED_AT", {"": ("nothing",)})
    monkeypatch.setattr(soak, "ROOT", pytester.path)
    monkeypatch.setattr(soak, "_git", lambda *asked: "looked-at\0" if asked[0] == "ls-files" else "c0ffee\n")
    pytester.makeconftest("from tests.conftest import pytest_addoption, pytest_configure")
    pytester.makepyfile(test_it=TESTS)
    Path("looked-at").touch()

    def run(*options: str) -> pytest.RunResult:
        soak._digest.cache_clear()
        soak._commit.cache_clear()
        return pytester.runpytest_inprocess("-pno:cacheprovider", "--ledger=ledger", *options)

    return run


def cases(path: str = "ledger") -> list[str]:
    """The cases that have a line, without their file's name."""
    return [json.loads(line)["case"].rpartition("::")[2] for line in Path(path).read_text().splitlines()]


def test_a_shard_runs_its_cases_and_writes_a_line_for_each(ran: Ran) -> None:
    ran("--shard=2/2").assert_outcomes(passed=2, deselected=2)
    assert cases() == ["test_case[2]", "test_case[3]"]
    first = json.loads(Path("ledger").read_text().splitlines()[0])
    assert first.keys() == {"case", "outcome", "seconds", "date", "commit", "clean", "seed", "digest"}
    assert (first["outcome"], first["commit"], first["clean"]) == ("passed", "c0ffee", False)


def test_a_shard_that_was_ended_is_taken_up_again(ran: Ran) -> None:
    Path("broken-1").touch()
    assert ran("--shard=1/1", "-x").ret == 1
    assert cases() == ["test_case[0]", "test_case[1]"]
    Path("broken-1").unlink()
    result = ran("--shard=1/1")
    result.assert_outcomes(passed=3, deselected=1)
    result.stdout.fnmatch_lines(["4 cases: 4 have passed as things stand, 1 of them in an earlier run"])


def test_what_has_passed_is_not_run_again_and_that_is_well(ran: Ran) -> None:
    ran("--shard=1/1")
    result = ran("--shard=1/1")
    assert result.ret == 0
    result.assert_outcomes(deselected=4)


def test_it_is_run_again_where_it_is_asked_for(ran: Ran) -> None:
    ran("--shard=1/1")
    ran("--shard=1/1", "--afresh").assert_outcomes(passed=4)


def test_it_is_run_again_where_something_has_changed(ran: Ran) -> None:
    ran("--shard=1/1")
    Path("looked-at").write_text("otherwise")
    ran("--shard=1/1").assert_outcomes(passed=4)


def test_a_change_while_it_runs_makes_it_red(ran: Ran, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="from pathlib import Path\ndef test_case(): Path('looked-at').write_text('otherwise')")
    result = ran("--shard=1/1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["what these cases look at has changed while they ran: they count for nothing"])


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    whole = {"outcome": "passed", "seconds": 1.0, "date": "", "commit": "", "clean": True, "seed": 1, "digest": ""}
    (tmp_path / "ledger").write_text(json.dumps({"case": "one", **whole}) + '\n{"case": "tw')
    assert soak.read(tmp_path / "ledger") == [Line("one", **whole)]  # type: ignore[arg-type]


def test_how_long_cases_take_is_measured_by_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SECONDS_OF", {"tests/page/": 2.0})
    took = {"tests/lab/a::test_long[1]": 4.0, "tests/lab/a::test_long[2]": 6.0, "tests/lab/a::test_short": 1.0}
    lines = [Line(case, "passed", seconds, "", "", True, 1, "") for case, seconds in took.items()]
    unit = Line("tests/unit/b::test_b", "passed", 0.5, "", "", True, 1, "")
    assert soak.measured([*lines, unit]) == {
        "tests/lab/": 1.0,
        "tests/lab/a::test_long": 5.0,
        "tests/page/": 2.0,
        "tests/unit/": 0.5,
    }
