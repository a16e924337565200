"""A timeline becomes a picture in which nothing that went wrong is too small to be seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reporting.timeline import HEIGHT, LEAST_HEIGHT, LOST, picture
from runbook.record import Series, Timeline


def test_what_went_wrong_is_known_by_more_than_its_name() -> None:
    counts = (1, 2)
    release = Series(name="lost", counts=counts, lost=False)
    failed = Series(name="whatever", counts=counts, lost=True)
    drawn = picture(Timeline(title="Requests", bin_seconds=1, series=(failed, release)))
    assert [(key.name, key.kind == LOST) for key in drawn.keys] == [("lost", False), ("whatever", True)]


def test_a_record_from_before_there_was_more_than_a_name_is_drawn_as_it_was() -> None:
    older = [Series.model_validate_json(f'{{"name": "{name}", "counts": [1]}}') for name in ("lost", "1.1.0")]
    assert [one.lost for one in older] == [True, False]


def timeline(*series: tuple[str, tuple[int, ...]], bin_seconds: float = 0.5) -> Timeline:
    return Timeline(
        title="Requests",
        bin_seconds=bin_seconds,
        series=tuple(Series(name=name, counts=counts) for name, counts in series),
    )


def test_two_releases_stand_one_upon_the_other() -> None:
    drawn = picture(timeline(("1.1.0", (10, 4, 0)), ("1.0.0", (0, 6, 10))))

    assert [(bar.x, bar.y, bar.height) for bar in drawn.bars] == [(0, 0, 100), (1, 60, 40), (1, 0, 60), (2, 0, 100)]
    assert (drawn.bins, drawn.seconds, drawn.most) == (3, 1.5, 10)


def test_a_key_says_how_often_and_when() -> None:
    (key,) = picture(timeline(("1.1.0", (3, 4, 0, 0, 5)))).keys

    assert (key.total, key.when) == (12, "0–1 s, 2–2.5 s")


def test_what_was_lost_comes_last_and_is_always_seen() -> None:
    drawn = picture(timeline((LOST, (0, 1)), ("1.1.0", (1000, 999))))

    assert [key.name for key in drawn.keys] == ["1.1.0", LOST]
    assert [bar.height for bar in drawn.bars if bar.kind == LOST] == [LEAST_HEIGHT]


def test_nothing_seen_is_an_empty_picture() -> None:
    drawn = picture(timeline())

    assert (drawn.bins, drawn.bars, drawn.keys) == (0, (), ())


@given(st.dictionaries(st.text(), st.lists(st.integers(0, 10**9), max_size=40).map(tuple), max_size=6))
def test_every_bar_lies_within_the_picture(series: dict[str, tuple[int, ...]]) -> None:
    drawn = picture(timeline(*series.items()))

    for bar in drawn.bars:
        assert 0 <= bar.x < drawn.bins
        assert 0 <= bar.y <= HEIGHT
        assert 0 <= bar.height <= HEIGHT
    assert sum(key.total for key in drawn.keys) == sum(map(sum, series.values()))
