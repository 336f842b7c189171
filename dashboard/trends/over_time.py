"""What trends count over time, by category, error or shop."""

from collections import defaultdict

from dashboard.charts.stacked import (
    CountsOverTime,
    Series,
    StackedChart,
    category_series,
    ends_of,
    stacked,
)
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import edges_between
from dashboard.trends.measures import Link, Measure, linker
from reconciler import service
from reconciler.service import Freshness

#: At most this many errors or shops are stacked; all others together are one more.
MOST_SERIES = 7
OTHER = "other"


def per_day(
    asked: OrderFilter, fresh: Freshness, measure: Measure, labels: dict[str, str], total: int
) -> StackedChart | None:
    """Draw what is measured per span of the period; None if nothing has such a date.

    ``labels`` are the words of errors, by slug.
    """
    ends = ends_of(asked, fresh, asked.matching(fresh.now, "dates"))
    if ends is None:
        return None
    unit, edges = edges_between(*ends)
    by, link = asked["by"], linker(asked)
    spans = service.over_time(
        measure.ever, measure.column, edges, by, fresh.revision, measure.prefix
    )
    if by == "category":
        series = category_series(spans, lambda category: link("category", category.value))
    else:
        series = _series(by, spans, labels, link)
        spans = _with_other(series, spans)
    query = None if unit == "hour" or asked.counts_attempts else asked.query.of_orders()
    counted = CountsOverTime(unit, edges, spans)
    return stacked(asked, fresh, counted, series, query, total)


def _series(
    by: str, spans: list[dict[str, int]], labels: dict[str, str], link: Link
) -> list[Series]:
    """Return the most frequent keys as series, and all others as one."""
    sums: dict[str, int] = defaultdict(int)
    for span in spans:
        for key, n in span.items():
            sums[key] += n
    keys = sorted(sums, key=lambda key: (-sums[key], key))
    series = [
        Series(key, labels.get(key, key), str(number), link(by, key))
        for number, key in enumerate(keys[:MOST_SERIES], 1)
    ]
    rest = len(keys) - MOST_SERIES
    return [*series, Series(OTHER, f"{rest} others", "8", "")] if rest > 0 else series


def _with_other(series: list[Series], spans: list[dict[str, int]]) -> list[dict[str, int]]:
    named = {one.key for one in series} - {OTHER}
    return [
        {key: n for key, n in span.items() if key in named}
        | {OTHER: sum(n for key, n in span.items() if key not in named)}
        for span in spans
    ]
