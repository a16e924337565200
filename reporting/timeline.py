"""A drill's timeline as a picture: bars of counts by time, without a script; every word of it stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.record import Series, Timeline

LOST = "lost"
"""The kind of what went wrong: always the last, in the colour of what failed, and never too low to be seen."""

COLOURS = 4
HEIGHT = 100.0
LEAST_HEIGHT = 6.0


@dataclass(frozen=True)
class Bar:
    """One count as a rectangle.

    Attributes:
        kind: Its colour's name.
        x: In bins from the beginning; each is 1 wide.
        y: From the top, of `HEIGHT`.
        height: Of `HEIGHT`.
    """

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Key:
    """What one colour stands for.

    Attributes:
        total: How often it was seen.
        when: From when until when it was seen, in seconds, stretch by stretch; empty where never.
    """

    kind: str
    name: str
    total: int
    when: str


@dataclass(frozen=True)
class Picture:
    """A timeline, ready to be drawn.

    Attributes:
        bins: How many units wide it is.
        seconds: How long a time it shows.
        most: The highest count of a bin, which the full height stands for.
    """

    title: str
    bins: int
    seconds: float
    bin_seconds: float
    most: int
    bars: tuple[Bar, ...]
    keys: tuple[Key, ...]


def picture(timeline: Timeline) -> Picture:
    """Draw a timeline, its series one upon the other."""
    ordered = sorted(timeline.series, key=lambda one: one.lost)
    bins = max((len(one.counts) for one in ordered), default=0)
    most = max((sum(_count(one, at) for one in ordered) for at in range(bins)), default=0)
    kinds = tuple(LOST if one.lost else f"series-{number % COLOURS}" for number, one in enumerate(ordered))
    return Picture(
        title=timeline.title,
        bins=bins,
        seconds=bins * timeline.bin_seconds,
        bin_seconds=timeline.bin_seconds,
        most=most,
        bars=tuple(_bars(ordered, kinds, bins, most)),
        keys=tuple(
            Key(kind, one.name, sum(one.counts), _when(one.counts, timeline.bin_seconds))
            for kind, one in zip(kinds, ordered, strict=True)
        ),
    )


def _bars(ordered: Sequence[Series], kinds: Sequence[str], bins: int, most: int) -> Iterator[Bar]:
    for at in range(bins):
        top = HEIGHT
        for kind, one in zip(kinds, ordered, strict=True):
            if count := _count(one, at):
                height = max(HEIGHT * count / most, LEAST_HEIGHT if kind == LOST else 0.0)
                top = max(0.0, top - height)
                yield Bar(kind, at, round(top, 2), round(height, 2))


def _count(series: Series, at: int) -> int:
    return series.counts[at] if at < len(series.counts) else 0


def _when(counts: Sequence[int], bin_seconds: float) -> str:
    """The stretches of time with something in them."""
    stretches: list[tuple[int, int]] = []
    for at, count in enumerate(counts):
        if count and stretches and stretches[-1][1] == at:
            stretches[-1] = (stretches[-1][0], at + 1)
        elif count:
            stretches.append((at, at + 1))
    return ", ".join(f"{begun * bin_seconds:g}–{ended * bin_seconds:g} s" for begun, ended in stretches)
