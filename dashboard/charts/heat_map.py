"""Counts by weekday and hour of the dashboard's zone."""

from calendar import day_abbr
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from dashboard.filtering.fields import WEEKDAYS

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
    """A row per weekday: its name, its hours, their sum. ``top`` is the largest count."""

    rows: list[tuple[str, list[Cell], int]]
    top: int


def heat_map_of(counts: Mapping[datetime, int], link: Callable[[str], str]) -> HeatMap:
    """Draw counts by moment; ``link`` returns the URL of an hour written as in `at`."""
    grid = [[0] * 24 for _ in WEEKDAYS]
    for moment, n in counts.items():
        local = timezone.localtime(moment)
        grid[local.weekday()][local.hour] += n
    top = max(max(row) for row in grid)
    rows = []
    for day, name in enumerate(WEEKDAYS):
        cells = [
            Cell(
                title=f"{day_abbr[day]} {hour:02d}:00–{hour + 1:02d}:00",
                count=n,
                step=-(-n * STEPS // top) if n else 0,
                url=link(f"{name}-{hour:02d}"),
            )
            for hour, n in enumerate(grid[day])
        ]
        rows.append((day_abbr[day], cells, sum(grid[day])))
    return HeatMap(rows, top)
