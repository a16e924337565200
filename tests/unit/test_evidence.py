"""Evidence is chained, redacted before it is written, and readable after a run that was killed."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.model.record import Exchange
from runbook.observation.evidence import LONGEST_ANSWER, Evidence, digest_of
from runbook.observation.redaction import MASK, Redactor


def record(evidence: Evidence, answer: str, asked: str = "df -P", *, may_hold_secrets: bool = False) -> int:
    return evidence.record(
        question="disk.SPACE",
        asked=asked,
        vantage="inside",
        started=datetime(2026, 2, 24, tzinfo=UTC),
        seconds=0.01,
        status=0,
        answer=answer,
        may_hold_secrets=may_hold_secrets,
    )


def written(path: Path) -> list[Exchange]:
    return [Exchange.model_validate_json(line) for line in path.read_text().splitlines()]


def test_each_exchange_is_on_disk_as_soon_as_it_happened(tmp_path: Path) -> None:
    evidence = Evidence(Redactor(), tmp_path / "evidence.jsonl")
    assert record(evidence, "one") == 1
    assert [one.answer for one in written(tmp_path / "evidence.jsonl")] == ["one"]
    evidence.close()


def test_each_exchange_carries_the_digest_of_the_one_before(tmp_path: Path) -> None:
    evidence = Evidence(Redactor(), tmp_path / "evidence.jsonl")
    for answer in ("one", "two", "three"):
        record(evidence, answer)
    evidence.close()
    kept = written(tmp_path / "evidence.jsonl")
    assert kept[0].previous == "0" * 64
    assert all(after.previous == before.digest for before, after in pairwise(kept))
    assert all(one.digest == digest_of(one) for one in kept)


def test_a_changed_exchange_does_not_fit_its_digest() -> None:
    evidence = Evidence(Redactor())
    record(evidence, "90 %")
    (kept,) = evidence.exchanges
    assert digest_of(kept.model_copy(update={"answer": "10 %"})) != kept.digest


def test_a_secret_is_masked_before_it_reaches_the_disk(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.learn("correct horse")
    evidence = Evidence(redactor, tmp_path / "evidence.jsonl")
    record(evidence, "it is correct horse", asked="grep 'correct horse'")
    evidence.close()
    text = (tmp_path / "evidence.jsonl").read_text()
    assert "correct horse" not in text
    assert text.count(MASK) == 2


def test_what_is_held_back_is_written_without_what_was_learned_meanwhile(tmp_path: Path) -> None:
    path, redactor = tmp_path / "evidence.jsonl", Redactor()
    evidence = Evidence(redactor, path)
    evidence.hold()
    sequences = [record(evidence, "it is correct horse"), record(evidence, "two")]
    assert (sequences, evidence.count, evidence.exchanges, path.read_text()) == ([1, 2], 2, (), "")
    redactor.learn("correct horse")
    evidence.release()
    assert record(evidence, "three") == 3
    kept = written(path)
    assert [one.answer for one in kept] == [f"it is {MASK}", "two", "three"]
    assert [one.sequence for one in kept] == [1, 2, 3]
    assert all(after.previous == before.digest for before, after in pairwise(kept))
    assert all(one.digest == digest_of(one) for one in kept)
    evidence.close()


def test_what_is_still_held_back_at_the_end_is_written(tmp_path: Path) -> None:
    evidence = Evidence(Redactor(), tmp_path / "evidence.jsonl")
    evidence.hold()
    record(evidence, "one")
    evidence.close()
    assert [one.answer for one in written(tmp_path / "evidence.jsonl")] == ["one"]


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 2 * LONGEST_ANSWER))
def test_a_secret_that_a_cut_runs_through_is_masked(at: int) -> None:
    redactor = Redactor()
    redactor.learn("correct horse")
    evidence = Evidence(redactor)
    record(evidence, "." * at + "correct horse" + "." * (2 * LONGEST_ANSWER - at))
    (kept,) = evidence.exchanges
    assert not set("corethse") & set(kept.answer.replace(MASK, "").replace("characters left out", ""))


def test_of_a_long_answer_both_ends_are_kept_and_the_gap_is_told() -> None:
    evidence = Evidence(Redactor())
    record(evidence, "a" * LONGEST_ANSWER + "z" * 10)
    (kept,) = evidence.exchanges
    assert kept.truncated
    assert kept.answer.startswith("aaa")
    assert kept.answer.endswith("zzz")
    assert "[… 10 characters left out …]" in kept.answer


def test_where_nobody_said_which_values_are_secret_no_answer_that_may_hold_one_is_kept(tmp_path: Path) -> None:
    evidence = Evidence(Redactor(), tmp_path / "evidence.jsonl")
    evidence.hold()
    record(evidence, "sesame", may_hold_secrets=True)
    record(evidence, "up 3 days")
    evidence.release(learned=False)
    record(evidence, "sesame again", may_hold_secrets=True)
    evidence.release(learned=True)
    record(evidence, "known now", may_hold_secrets=True)
    evidence.close()
    answers = [one.answer for one in written(tmp_path / "evidence.jsonl")]
    assert answers[1::2] == ["up 3 days", "known now"]
    assert answers[0].startswith("[6 characters, not kept:")
    assert "sesame" not in "".join(answers)


def test_what_is_still_held_back_when_a_run_breaks_off_is_not_kept_either(tmp_path: Path) -> None:
    evidence = Evidence(Redactor(), tmp_path / "evidence.jsonl")
    evidence.hold()
    record(evidence, "sesame", may_hold_secrets=True)
    evidence.close()
    assert "sesame" not in (tmp_path / "evidence.jsonl").read_text()


def test_values_that_were_told_once_stay_known() -> None:
    evidence = Evidence(Redactor())
    evidence.release(learned=True)
    evidence.hold()
    evidence.release(learned=False)
    record(evidence, "up", may_hold_secrets=True)
    assert evidence.exchanges[-1].answer == "up"


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """As on a disk that has so many bytes left: what fits is written, the rest is refused."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_is_kept_and_the_file_ends_with_a_whole_exchange(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    evidence = Evidence(Redactor(), path)
    record(evidence, "one")
    assert evidence.incomplete is None
    with no_file_longer_than(path.stat().st_size + 100):
        assert [record(evidence, "two"), record(evidence, "three")] == [2, 3]
    record(evidence, "four")
    evidence.close()
    assert [one.answer for one in evidence.exchanges] == ["one", "two", "three", "four"]
    assert [one.answer for one in written(path)] == ["one"]
    assert evidence.incomplete == "evidence.jsonl ends before exchange 2: File too large"


@pytest.mark.parametrize("place", ["nowhere/evidence.jsonl", "taken"])
def test_a_file_that_cannot_be_made_keeps_nobody_from_looking(place: str, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    evidence = Evidence(Redactor(), tmp_path / place)
    assert record(evidence, "one") == 1
    evidence.close()
    assert [one.answer for one in evidence.exchanges] == ["one"]
    assert evidence.incomplete is not None


def test_what_is_answered_after_the_end_is_in_neither_the_record_nor_the_file(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    evidence = Evidence(Redactor(), path)
    record(evidence, "one")
    evidence.close()
    assert record(evidence, "late") == 0
    evidence.release()
    assert [one.answer for one in evidence.exchanges] == [one.answer for one in written(path)] == ["one"]


def test_half_a_character_in_an_answer_is_one_that_can_be_written(tmp_path: Path) -> None:
    evidence = Evidence(Redactor(), tmp_path / "evidence.jsonl")
    record(evidence, "half of \ud83d")
    evidence.close()
    assert list(evidence.exchanges) == written(tmp_path / "evidence.jsonl")
