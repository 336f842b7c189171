"""What trends count over time, by category, error or shop."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from dashboard.charts.stacked import (
    MOST_DRAWN,
    OTHER,
    CountsOverTime,
    Series,
    StackedChart,
    category_series,
    ends_of,
    stacked,
)
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import Bounds, begin_of, edges_between
from dashboard.trends.measures import Link, Measure, linker
from dashboard.wording import local
from reconciler import service
from reconciler.service import Freshness


def per_day(
    asked: OrderFilter,
    fresh: Freshness,
    measure: Measure,
    before: Bounds | None,
    labels: dict[str, str],
    total: int,
) -> StackedChart | None:
    """Draw what is measured per span of the period; None if nothing has such a date.

    ``before`` is the period behind it, ``labels`` are the words of errors, by slug.
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
    counted = CountsOverTime(unit, edges, spans, _totals_before(measure, edges, before, fresh))
    return stacked(asked, fresh, counted, series, query, total)


def _totals_before(
    measure: Measure, edges: Sequence[datetime], before: Bounds | None, fresh: Freshness
) -> list[int]:
    """Count what is measured in the same spans of the period before; empty if there is none."""
    if before is None or before.start is None or before.end is None:
        return []
    earlier = [min(edge, before.end) for edge in _shifted(edges, before.start)]
    return service.totals_over_time(measure.ever, measure.column, earlier, fresh.revision)


def _shifted(edges: Sequence[datetime], start: datetime) -> list[datetime]:
    """Return the same edges in a period that begins at ``start``."""
    first = local(edges[0])
    if begin_of(first.date()) != first:  # 24 hours that roll on, whatever the clocks do
        return [edge - (edges[0] - start) for edge in edges]
    days = first.date() - local(start).date()
    return [timezone.make_aware(timezone.make_naive(edge) - days) for edge in edges]


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
        Series(key, labels.get(key, key), f"series-{number}", link(by, key))
        for number, key in enumerate(keys[:MOST_DRAWN], 1)
    ]
    rest = len(keys) - MOST_DRAWN
    return [*series, Series(OTHER, f"{rest} others", OTHER, "")] if rest > 0 else series


def _with_other(series: list[Series], spans: list[dict[str, int]]) -> list[dict[str, int]]:
    named = {one.key for one in series} - {OTHER}
    return [
        {key: n for key, n in span.items() if key in named}
        | {OTHER: sum(n for key, n in span.items() if key not in named)}
        for span in spans
    ]
