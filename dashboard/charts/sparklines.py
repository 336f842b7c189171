"""Charts as small as a word: the orders of an error over time."""

from dataclasses import dataclass
from datetime import datetime

from dashboard.charts.stacked import HEIGHT, bar_label, ends_of
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import SMALL_UNITS, Bounds, edges_between
from reconciler import service
from reconciler.service import Freshness


@dataclass(frozen=True)
class SmallBar:
    """Orders of one span, drawn from ``y`` down by ``height``."""

    start: datetime
    label: str
    count: int
    y: str
    height: str


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
    labels = [bar_label(start, unit) for start in edges[:-1]]
    charts = {}
    for slug in slugs:
        numbers = [span.get(slug, 0) for span in spans]
        tallest = max(*numbers, 1)
        heights = [HEIGHT * n / tallest for n in numbers]
        charts[slug] = [
            SmallBar(start, label, n, f"{HEIGHT - height:.4g}", f"{height:.4g}")
            for start, label, n, height in zip(edges, labels, numbers, heights, strict=False)
        ]
    return unit, charts
