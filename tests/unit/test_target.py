"""A target file that cannot be used gives one sentence: the file, the key, what is expected."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.main import run
from runbook.model.target_file import TARGETS, TargetError, load, validated

GOOD = 'name = "here"\nenvironment = "staging"\naddress = "192.0.2.1"\ndomain = "service.example"\n'


def wrong(tmp_path: Path, text: str) -> str:
    """The sentence that this content of a target file gives."""
    path = tmp_path / "target.toml"
    path.write_text(text)
    with pytest.raises(TargetError) as caught:
        load(str(path))
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def test_the_smallest_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(GOOD)
    assert load("here", folder=tmp_path).containers.db == "psyfit-db"


@pytest.mark.parametrize("address", ["192.0.2.1", "server-1.example", "::1", "2001:db8::1"])
def test_a_server_may_be_given_by_name_or_by_an_address_of_either_kind(tmp_path: Path, address: str) -> None:
    (tmp_path / "here.toml").write_text(GOOD.replace("192.0.2.1", address))
    assert load("here", folder=tmp_path).address == address


@pytest.mark.parametrize("path", sorted(TARGETS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_target_of_the_repository_can_be_read(path: Path) -> None:
    assert load(str(path)).domain


@pytest.mark.parametrize("path", sorted(TARGETS.glob("*.toml")), ids=lambda path: path.stem)
def test_no_target_of_the_repository_has_a_real_address(path: Path) -> None:
    assert load(str(path)).address.startswith(("127.", "192.0.2.", "198.51.100.", "203.0.113."))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD.replace('domain = "service.example"\n', ""), "key domain is missing; expected a value"),
        (
            GOOD.replace('environment = "staging"\n', ""),
            "key environment is missing; expected one of lab, staging, production",
        ),
        (GOOD + "[ssh]\nport = 'x'\n", "key ssh.port is 'x'; expected integer"),
        (GOOD + "[ssh]\nport = 0\n", "key ssh.port is 0; expected greater than or equal to 1"),
        (GOOD + "ssh = 3\n", "key ssh is 3; expected a table [ssh]"),
        (GOOD + "[paths]\napp = 'www'\n", "key paths.app is 'www'; expected an absolute path on the server"),
        (
            GOOD + "[ssh]\nusers = 'root'\n",
            "key ssh.users is unknown; expected one of become, config, local, port, user",
        ),
        (
            GOOD.replace('"192.0.2.1"', '"-oProxyCommand=x"'),
            "key address is '-oProxyCommand=x'; expected a host name or an IP address",
        ),
        (
            GOOD.replace('"192.0.2.1"', '"192.0.2.1:22"'),
            "key address is '192.0.2.1:22'; expected a host name or an IP address",
        ),
        (
            GOOD + "[edge]\ndatabase_page = 'clinics'\n",
            "key edge.database_page is 'clinics'; expected the path of a URL, from its '/' on",
        ),
        (
            GOOD + "[containers]\nallowed = ['*']\n",
            "key containers.allowed.0 is '*'; "
            "expected a name of letters, digits, '.', '_' and '-', or the beginning of one with a '*'",
        ),
    ],
)
def test_a_wrong_key_is_named_with_what_is_expected(tmp_path: Path, text: str, sentence: str) -> None:
    assert wrong(tmp_path, text) == sentence


def test_text_that_is_not_toml_is_told_so(tmp_path: Path) -> None:
    assert wrong(tmp_path, "name = ").startswith("is not TOML (")


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        load(str(tmp_path / "none.toml"))


def test_the_command_line_gives_the_sentence_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "target.toml"
    path.write_text(GOOD + "[ssh]\nport = 'x'\n")
    assert run(["verify", "--target", str(path)]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{path}: key ssh.port is 'x'; expected integer\n")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=5,
)
known_keys = ["name", "environment", "address", "domain", "ssh", "edge", "paths", "containers", "backups", "cron"]


@given(changes=st.dictionaries(st.sampled_from(known_keys) | st.text(max_size=8), values, max_size=3))
def test_whatever_a_table_holds_it_is_a_target_or_one_sentence(changes: dict[str, Any]) -> None:
    table = {**tomllib.loads(GOOD), **changes}
    try:
        target = validated(table, Path("some.toml"))
    except TargetError as error:
        assert str(error).startswith("some.toml: key ")
        assert "; expected " in str(error)
        assert "\n" not in str(error)
    else:
        assert target.environment in ("lab", "staging", "production")


@given(content=st.binary(max_size=200))
def test_whatever_bytes_a_file_holds_there_is_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)
    with pytest.raises(TargetError) as caught:
        load(str(path))
    assert "\n" not in str(caught.value)
