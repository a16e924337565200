"""bin/rails data:verify: rows from elsewhere, judged by today's keys; only counts are printed."""

from __future__ import annotations

import json

import pytest

from lab.psyfit.app.ciphers import BlindIndex, Cipher
from lab.psyfit.app.refusal import Refused
from lab.psyfit.app.settings import Keys
from lab.psyfit.app.verification import verify

KEYS = Keys(attributes="a" * 64, blind_index="b" * 64)
ADDRESS = "hanako.kakuu@example.jp"


def person(keys: Keys) -> str:
    """A row of people under these keys, as PostgreSQL writes it in JSON."""
    row = {
        "email_ciphertext": Cipher(keys.attributes, "people.email").encrypt(ADDRESS),
        "email_bidx": BlindIndex(keys.blind_index).fingerprint(ADDRESS),
    }
    return json.dumps({"table": "people", "row": {name: "\\x" + value.hex() for name, value in row.items()}})


def test_values_of_todays_keys_open_and_match(capsys: pytest.CaptureFixture[str]) -> None:
    verify([person(KEYS), person(KEYS)], KEYS)
    assert capsys.readouterr().out.splitlines() == ["matched people.email_bidx 2", "opened people.email_ciphertext 2"]


def test_values_of_another_key_are_refused_and_the_index_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    verify([person(Keys("other", KEYS.blind_index)), person(Keys(KEYS.attributes, "other"))], KEYS)
    assert capsys.readouterr().out.splitlines() == [
        "opened people.email_ciphertext 1",
        "refused people.email_ciphertext 1",
        "unmatched people.email_bidx 2",
    ]


def test_what_has_no_value_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    verify(['{"table": "people", "row": {"name_ciphertext": null}}'], KEYS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("Hanako", "is not a row"),
        ('{"table": "people"}', "is not a row"),
        ('{"table": "people", "row": {"birth_year": "1980"}}', "people.birth_year is not a column that this release"),
    ],
)
def test_what_it_cannot_judge_it_refuses_without_repeating_it(line: str, refusal: str) -> None:
    with pytest.raises(Refused, match=refusal):
        verify([line], KEYS)
