"""The rows of /errors/ with their small charts, and the period that their labels tell of."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.charts.stacked import HEIGHT, bar_label, ends_of
from dashboard.filtering.forms import ErrorFilters
from dashboard.filtering.periods import SMALL_UNITS, Bounds, edges_between
from reconciler import service

#: Without a period, labels tell of the last days.
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class SmallBar:
    """Orders of one span, drawn from ``y`` down by ``height``."""

    start: datetime
    label: str
    count: int
    y: str
    height: str


def label_bounds(filters: ErrorFilters) -> Bounds:
    """Return the period that labels tell of."""
    bounds = filters.bounds
    if bounds.start is not None:
        return bounds
    try:
        return Bounds((bounds.end or filters.now) - RECENT, bounds.end)
    except OverflowError:  # before the first week of the calendar
        return bounds


def rows_of(filters: ErrorFilters) -> list[service.ErrorRow]:
    """Count the orders that match by signature."""
    bounds, label = label_bounds(filters), filters.cleaned["label"]
    rows = service.error_rows(filters.matching(), bounds.start, bounds.end)
    return [row for row in rows if label in ("", row.label)]


def labelled(filters: ErrorFilters) -> service.FailedOrderQuerySet:
    """Return the orders that facets count: those of the signatures with the label asked for."""
    orders, label = filters.matching(*service.FACETS), filters.cleaned["label"]
    if not label:
        return orders
    bounds = label_bounds(filters)
    rows = service.error_rows(orders, bounds.start, bounds.end)
    return orders.of_errors([row.signature.slug for row in rows if row.label == label])


def small_charts(
    filters: ErrorFilters, rows: list[service.ErrorRow]
) -> tuple[str, dict[int, list[SmallBar]]]:
    """Draw the orders of each row over the list's own date; return the unit, and bars by key."""
    matching = filters.matching()
    ends = ends_of(filters, matching)
    if ends is None:
        return "", {}
    unit, edges = edges_between(*ends, SMALL_UNITS)
    undated = filters.within(filters.matching("dates"), Bounds())
    counts = service.spans_by_error(undated, filters.date_value, edges)
    labels = [bar_label(start, unit) for start in edges[:-1]]
    charts = {}
    for row in rows:
        numbers = counts[row.signature.pk]
        tallest = max(*numbers, 1)
        heights = [HEIGHT * n / tallest for n in numbers]
        charts[row.signature.pk] = [
            SmallBar(start, label, n, f"{HEIGHT - height:.4g}", f"{height:.4g}")
            for start, label, n, height in zip(edges, labels, numbers, heights, strict=False)
        ]
    return unit, charts
