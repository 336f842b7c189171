"""Counts by weekday and hour of the dashboard's zone."""

from bisect import bisect_left
from calendar import day_abbr
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from dashboard.filtering.fields import WEEKDAYS
from dashboard.wording import local

STEPS = 5


@dataclass(frozen=True)
class Cell:
    """An hour of a weekday. ``step`` is the depth of its colour, 0 to STEPS."""

    title: str
    count: int
    step: int
    url: str


@dataclass(frozen=True)
class HeatMap:
    """A row per weekday: its name, its hours, their sum.

    ``steps`` has for each depth of colour, in words, the counts that it holds.
    """

    rows: list[tuple[str, list[Cell], int]]
    steps: list[tuple[int, str]]


def heat_map_of(counts: Mapping[datetime, int], link: Callable[[str], str]) -> HeatMap:
    """Draw counts by moment; ``link`` returns the URL of an hour written as in `at`."""
    grid = [[0] * 24 for _ in WEEKDAYS]
    for moment, n in counts.items():
        there = local(moment)
        grid[there.weekday()][there.hour] += n
    bounds = steps_of([n for row in grid for n in row if n])
    rows = []
    for day, name in enumerate(WEEKDAYS):
        # day_abbr asks the locale at each access.
        short = day_abbr[day]
        cells = [
            Cell(
                title=f"{short} {hour:02d}:00–{hour + 1:02d}:00",
                count=n,
                step=bisect_left(bounds, n) + 1 if n else 0,
                url=link(f"{name}-{hour:02d}"),
            )
            for hour, n in enumerate(grid[day])
        ]
        rows.append((short, cells, sum(grid[day])))
    return HeatMap(rows, _in_words(bounds))


def steps_of(counts: Sequence[int]) -> list[int]:
    """Return the largest count of each depth of colour.

    Each depth holds about as many hours as any other, so that one outage does not flatten the
    rest. Equal counts have one depth, so there may be fewer than STEPS.
    """
    ranked = sorted(counts)
    ends = (ranked[-(-len(ranked) * step // STEPS) - 1] for step in range(1, STEPS + 1))
    return sorted(set(ends)) if ranked else []


def _in_words(bounds: list[int]) -> list[tuple[int, str]]:
    steps = [(0, "0")]
    for step, (before, last) in enumerate(pairwise([0, *bounds]), 1):
        first = before + 1
        steps.append((step, f"{last:,}" if first == last else f"{first:,}–{last:,}"))
    return steps
