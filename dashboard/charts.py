"""Charts and figures: numbers in, geometry and links out; a template draws them.

A chart is an SVG stretched to its place, one unit wide per bar and 100 high; its axes are HTML.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.urls import reverse
from django.utils import timezone

from dashboard.filters import OrderFilters
from dashboard.periods import Bounds, begin_of, edges_between
from dashboard.query import ErrorsQuery, Query
from reconciler import service

HEIGHT = 100
#: Where a bar begins within its unit; the template draws it 0.74 wide, so that it stands amid.
BAR_START = 0.13
X_LABELS = 6
#: Of a longer span only what holds orders is drawn.
LONGEST = timedelta(days=100 * 366)
#: What is first seen right after we began to look may be old.
LOOKED_BEFORE = timedelta(days=30)
#: An answer is as good as one of now for so long.
SOON = timedelta(hours=1)


@dataclass(frozen=True)
class Segment:
    """Part of a bar: one category, from ``y`` down by ``height``."""

    category: service.Category
    count: int
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """Orders of one span. ``url`` is empty where the query string cannot name the span."""

    start: datetime
    label: str
    counts: list[int]
    total: int
    x: str
    segments: list[Segment]
    url: str

    @property
    def parts(self) -> str:
        """Say the categories in words: data 4, mapping 2."""
        return ", ".join(f"{part.category.label.lower()} {part.count}" for part in self.segments)


@dataclass(frozen=True)
class Histogram:
    """Orders over time, stacked by category. ``outside``: orders without a date, or a later one."""

    unit: str
    bars: list[Bar]
    categories: list[service.Category]
    top: int
    width: int
    x_labels: list[str]
    outside: int


@dataclass(frozen=True)
class Figure:
    """A headline figure. ``change`` is against the period before, in per cent if ``relative``."""

    name: str
    label: str
    value: int
    url: str
    before: int | None = None
    relative: bool = False

    @property
    def change(self) -> int | None:
        """Return the change; None without a period before, or where there is nothing to divide."""
        if self.before is None or (self.relative and not self.before):
            return None
        more = self.value - self.before
        return round(100 * more / self.before) if self.relative else more


def figures_of(filters: OrderFilters, counts: dict[str, int]) -> list[Figure]:
    """Count what stands above the list, whatever its view and state.

    ``counts`` are those of the tabs: of all that matches the other filters, per view.
    """
    matching, bounds = filters.matching("view", "state"), filters.bounds
    count_new = partial(service.new_signatures, matching, bounds.start, bounds.end)
    rest = (bounds.start, bounds.end)
    new = service.kept(filters.revision, "new", matching.order_by(), rest, count_new)
    failed_before, new_before = _counts_before(filters)
    path, query = reverse("dashboard:orders"), filters.query.without("state", "sort", "per_page")
    everything = query.with_("view", "all").url(path)
    soon = query.with_("view", "expiring").url(path)
    return [
        Figure("failed", "Failed orders", counts["all"], everything, failed_before, relative=True),
        Figure("new", "New signatures", new, _new_url(filters), new_before),
        Figure("expiring", "Expiring in 7 days", counts["expiring"], soon),
    ]


def _new_url(filters: OrderFilters) -> str:
    query = ErrorsQuery(filters.query.pairs).without("view", "state", "sort", "per_page")
    # Without a beginning every signature is new, and without a period a label tells of late.
    if filters.bounds.start is not None:
        query = query.with_("label", "new")
    return query.url(reverse("dashboard:errors"))


def comparable(filters: OrderFilters) -> Bounds | None:
    """Return the period before; None without one, or where days of either were not seen."""
    before = filters.before
    if before is None or before.start is None or filters.seen is None:
        return None
    end = filters.bounds.end or filters.now
    unseen = is_unseen(filters, before.start, end)
    return None if unseen else before  # days that were not seen count as nothing


def is_unseen(filters: OrderFilters, start: datetime, end: datetime) -> bool:
    """Say whether a part of a span was not seen; what today still brings was not missed."""
    seen, now = filters.seen, filters.now
    if seen is None:
        return True
    since, until = seen
    if filters.date_value == "expires":  # what expires later was logged as much earlier
        return start < since + service.LOG_KEEPS or end > until + service.LOG_KEEPS
    tomorrow = _next_day(now)
    return start < since or start > now or end > tomorrow or until + SOON < min(end, now)


def _counts_before(filters: OrderFilters) -> tuple[int | None, int | None]:
    """Count failed orders and new signatures of the period before; None: not to be compared."""
    before, seen = comparable(filters), filters.seen
    if before is None or before.start is None or seen is None:
        return None, None
    orders = filters.within(filters.matching("view", "state", "dates"), before)
    known = seen[0] + LOOKED_BEFORE <= before.start
    new = service.new_signatures(orders, before.start, before.end) if known else None
    return orders.count(), new


def histogram_of(filters: OrderFilters, total: int) -> Histogram | None:
    """Draw the orders that match, whatever their view and state, over the list's own date."""
    matching, which = filters.matching("view", "state"), filters.date_value
    ends = ends_of(filters, matching)
    if ends is None:
        return None
    unit, edges = edges_between(*ends)
    # The edges bound what is counted; two bounds mislead SQLite.
    undated = filters.within(filters.matching("view", "state", "dates"), Bounds())
    spans = service.histogram(undated, which, edges, filters.revision)
    totals = [sum(span.values()) for span in spans]
    top = nice(max(totals))
    categories = [c for c in service.Category if any(span.get(c) for span in spans)]
    step = -(-len(spans) // X_LABELS)
    everything = filters.orders_query.without("state").with_("view", "all")
    bars = []
    for i, (span, start, end) in enumerate(zip(spans, edges, edges[1:], strict=False)):
        url = "" if unit == "hour" else days_url(everything, start, end)
        counts = [span.get(category, 0) for category in categories]
        segments = _stack(list(zip(categories, counts, strict=True)), top)
        label = bar_label(start, unit)
        bars.append(Bar(start, label, counts, totals[i], f"{i + BAR_START:g}", segments, url))
    return Histogram(
        unit=unit,
        bars=bars,
        categories=categories,
        top=top,
        width=-(-len(spans) // step) * step,
        x_labels=[short_label(start, unit) for start in edges[:-1:step]],
        outside=total - sum(totals),
    )


def ends_of(
    filters: OrderFilters, matching: service.FailedOrderQuerySet
) -> tuple[datetime, datetime] | None:
    """Return where the chart begins and ends; None where nothing has such a date."""
    bounds, which, now = filters.bounds, filters.date_value, filters.now
    start = bounds.start or _midnight(service.earliest(matching, which))
    end = bounds.end or (service.latest(matching, which) if which == "expires" else now)
    if start is None or end is None:
        return None
    if bounds.end is None:
        # One document dated 2099 must not press all others into one bar.
        end = end + timedelta(hours=1) if filters.period_value == "24h" else _next_day(end)
    elif end - start > LONGEST:
        first, last = service.earliest(matching, which), service.latest(matching, which)
        start, end = max(start, _midnight(first) or start), min(end, _next_day(last or end))
    return (start, end) if start < end else None


def _midnight(moment: datetime | None) -> datetime | None:
    return begin_of(timezone.localtime(moment).date()) if moment else None


def _next_day(moment: datetime) -> datetime:
    return begin_of(timezone.localtime(moment).date() + timedelta(days=1)) or moment


def days_url(query: Query, start: datetime, end: datetime) -> str:
    """Link to the list of the days between two moments."""
    first = timezone.localtime(start).date()
    last = timezone.localtime(end - timedelta(microseconds=1)).date()
    days = query.without("period").with_("from", first.isoformat()).with_("to", last.isoformat())
    return days.url(reverse("dashboard:orders"))


def _stack(parts: list[tuple[service.Category, int]], top: int) -> list[Segment]:
    segments, y = [], float(HEIGHT)
    for category, count in parts:
        height = HEIGHT * count / top
        y -= height
        if count:
            segments.append(Segment(category, count, f"{y:.2f}", f"{height:.2f}"))
    return segments


def nice(largest: int) -> int:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= largest:
                return factor * power
        power *= 10


def bar_label(start: datetime, unit: str) -> str:
    """Name a span of a chart in words, by where it begins."""
    day = timezone.localtime(start)
    words = f"{day.day} {day:%b %Y}"
    if unit == "hour":
        return f"{words}, {day:%H:%M}"
    if unit in ("month", "year"):
        return f"{day:%b %Y}" if unit == "month" else f"{day:%Y}"
    return f"week of {words}" if unit == "week" else words


def short_label(start: datetime, unit: str) -> str:
    """Name a span below a chart."""
    day = timezone.localtime(start)
    if unit == "hour":
        return f"{day:%H:%M}"
    if unit in ("month", "year"):
        return f"{day:%b %Y}"
    return f"{day.day} {day:%b}"
