"""Charts as small as a word: the orders of an error over time."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from dashboard.charts.stacked import HEIGHT, bar_label, ends_of
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import SMALL_UNITS, Bounds, edges_between
from reconciler import service
from reconciler.service import Freshness


@dataclass(frozen=True)
class SmallBar:
    """Orders of one span, drawn from ``y`` down by ``height``; ``is_now`` is still being filled."""

    start: datetime
    label: str
    count: int
    y: str
    height: str
    is_now: bool


def small_bar(
    ends: tuple[datetime, datetime], label: str, count: int, top: int, now: datetime
) -> SmallBar:
    """Return the bar of a span; ``top`` is the number that the tallest one may have."""
    (start, end), height = ends, HEIGHT * count / top
    is_now = start <= now < end
    return SmallBar(start, label, count, f"{HEIGHT - height:.4g}", f"{height:.4g}", is_now)


def sparklines_of(
    asked: OrderFilter, fresh: Freshness, slugs: list[str]
) -> tuple[str, dict[str, list[SmallBar]]]:
    """Draw the orders of each signature over the list's own date.

    Returns the unit of time, and the bars by slug.
    """
    ends = ends_of(asked, fresh, asked.matching(fresh.now))
    if ends is None:
        return "", {}
    unit, edges = edges_between(*ends, SMALL_UNITS)
    undated = asked.within(asked.matching(fresh.now, "dates"), Bounds())
    column = service.DATES[asked.dated_by]
    spans = service.over_time(undated, column, edges, "error", fresh.revision)
    ends_and_labels = [(ends, bar_label(ends[0], unit)) for ends in pairwise(edges)]
    charts = {}
    for slug in slugs:
        numbers = [span.get(slug, 0) for span in spans]
        tallest = max(*numbers, 1)
        charts[slug] = [
            small_bar(ends, label, n, tallest, fresh.now)
            for (ends, label), n in zip(ends_and_labels, numbers, strict=True)
        ]
    return unit, charts
