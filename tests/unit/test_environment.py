"""The variables of releases by name and fingerprint, never by value."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.environment import (
    SECRET_NAMES,
    TAKEN_OVER,
    Release,
    Variable,
    differing,
    read_variables,
    releases_in_use,
    shared,
    taken_over,
)
from runbook.docker_api import Scrubber
from runbook.outcome import Undetermined
from runbook.question import Output
from runbook.target import Target
from tests.unit.answering import looking
from tests.unit.test_containers import kept, server_with

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")


def release(name: str, **values: str) -> Release:
    """A release with these variables, as they come out of the transport of one run."""
    inspected = {"Config": {"Env": [f"{variable}={value}" for variable, value in values.items()]}}
    return Release(name, True, read_variables(SCRUBBER.container(inspected)))


SCRUBBER = Scrubber(lambda _value: None)


def test_equal_values_are_equal_and_others_are_named() -> None:
    releases = [release("new", KEY="one", OTHER="same"), release("old", KEY="two", OTHER="same")]
    assert differing(releases, ["KEY", "OTHER"]) == ("KEY",)


def test_a_variable_that_is_missing_in_one_differs_from_nothing() -> None:
    assert differing([release("new", KEY="one"), release("old")], ["KEY"]) == ()


def test_a_variable_that_is_not_there_shares_its_value_with_none() -> None:
    one = release("new", KEY="one", OTHER="one", THIRD="two")
    assert shared(one, ["KEY", "GONE", "OTHER", "THIRD"]) == ("KEY and OTHER",)


def test_of_the_stopped_releases_only_the_newest_is_in_use() -> None:
    names = [f"psyfit-web-177190000{number}" for number in range(4)]
    inspected = [kept(name, running=name == names[3]) for name in names]
    found = looking(TARGET, server_with(*inspected)).see(releases_in_use)
    assert [one.name for one in found] == [names[3], names[2]]


def test_the_secrets_are_compared_with_the_newest_release_that_runs() -> None:
    old, new = kept("psyfit-web-1771900000"), kept("psyfit-web-1771900001")
    told = server_with(old, new)
    told[TAKEN_OVER.about(release=new["Id"])] = Output(0, "same KEY\nother OTHER\n", "")
    found = looking(TARGET, told).see(taken_over)
    assert (found.release, found.same, found.other) == (new["Name"].removeprefix("/"), ("KEY",), ("OTHER",))
    with pytest.raises(Undetermined, match="no web release runs"):
        looking(TARGET, server_with(kept("psyfit-web-1771900000", running=False))).see(taken_over)


@pytest.mark.parametrize(
    ("values", "flaw"),
    [
        ({"KEY": "one"}, None),
        ({"KEY": ""}, "it is empty"),
        ({"KEY": "one "}, "it has white space around it"),
        ({}, "it is not there"),
    ],
)
def test_a_variable_is_sound_or_it_is_said_why_not(values: dict[str, str], flaw: str | None) -> None:
    assert release("new", **values).flaw_of("KEY") == flaw


def test_a_container_without_an_environment_has_no_variables() -> None:
    assert read_variables({"Config": {"Env": None}}) == {}


SECRETS = """\
# a comment with KEY=value
RAILS_MASTER_KEY=abc
  export SECRET_KEY_BASE="def"
EMPTY=
BLANK=   \t
QUOTED=""
ALSO_QUOTED='' \t
ATTR_ENCRYPTED_KEY=a=b=
not a line
"""


def test_of_the_secrets_only_the_names_of_what_has_a_value_are_told(tmp_path: Path) -> None:
    (tmp_path / ".kamal").mkdir()
    (tmp_path / ".kamal" / "secrets").write_text(SECRETS)
    script = SECRET_NAMES.told({"app": str(tmp_path)})
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["RAILS_MASTER_KEY", "SECRET_KEY_BASE", "ATTR_ENCRYPTED_KEY"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Config", "Env", "name", "fingerprint", "length", "stray_white_space"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["Config", "Env"]), ANYTHING))
def test_a_foreign_inspection_is_read_or_refused(foreign: dict[str, object]) -> None:
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
        assert all(isinstance(one, Variable) for one in read_variables(foreign).values())
