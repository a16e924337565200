"""What a person has attested counts for as long as the file says, and a wrong file is one sentence."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.target_file import TargetError
from runbook.suite.attestation import Attestation, read

KNOWN = {"the-emergency-contact-answers"}
GOOD = """
[the-emergency-contact-answers]
by = "Y. Tanaka"
on = 2026-11-02
result = "passed"
proof = "called, answered after 20 s"
expires = 2027-02-01
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "attestations.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def good(folder: Path) -> Attestation:
    return read(written(folder, GOOD), KNOWN)["the-emergency-contact-answers"]


@pytest.mark.parametrize(
    ("now", "ended"),
    [
        ("2026-10-31T12:00:00+00:00", True),
        ("2026-11-01T20:00:00+00:00", False),  # the second has begun in Tokyo
        ("2027-02-01T23:59:59+00:00", False),
        ("2027-02-02T08:00:00+09:00", False),
        ("2027-02-02T00:00:00+00:00", True),
    ],
)
def test_it_counts_to_the_end_of_its_last_day_in_utc(tmp_path: Path, now: str, ended: bool) -> None:
    assert good(tmp_path).has_ended(datetime.fromisoformat(now)) is ended


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        (
            "[the-emergency",
            "[the-postman",
            "is not a manual scenario; expected one of the-emergency",
        ),
        ("2027-02-01", "2027-12-01", "expires is wrong|an end between the day itself and 366 days after it"),
        ("2027-02-01", '"P1Y"', "expires is wrong"),
        ('result = "passed"', 'result = "fine"', "result is wrong"),
        ('by = "Y. Tanaka"\n', "", "by is wrong"),
        ('by = "Y. Tanaka"', 'by = " "', "by is wrong"),
        ("proof", "prove", "pro"),
        ("[the", "the", "is not TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, there: str, instead: str, said: str) -> None:
    path = written(tmp_path, GOOD.replace(there, instead, 1))
    with pytest.raises(TargetError, match=said) as caught:
        read(path, KNOWN)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be read"):
        read(tmp_path / "none.toml", KNOWN)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("attested"), content)
    with suppress(TargetError):
        read(path, KNOWN)
