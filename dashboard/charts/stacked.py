"""Stacked charts over time: numbers in, geometry and links out; a template draws them.

A chart is an SVG stretched to its place, one unit wide per bar and 100 high; its axes are HTML.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from dashboard.charts.scale import Scale, scale_of
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import Bounds, begin_of, edges_between
from dashboard.filtering.query import Query
from dashboard.wording import full_day, local
from reconciler import service
from reconciler.service import Freshness

HEIGHT = 100
#: How wide a bar is within its unit, alone and before the bar of the previous period.
BAR, NARROW_BAR = 0.74, 0.6
#: So many series are drawn, the largest at the base; all others together are one more.
MOST_DRAWN = 5
OTHER = "other"
X_LABELS = 6
#: Of a longer span only what holds orders is drawn.
LONGEST = timedelta(days=100 * 366)
#: Answers up to an hour old count as current.
SOON = timedelta(hours=1)
#: Per span, how many of each series (by its key).
Spans = Sequence[Mapping[Any, int]]


@dataclass(frozen=True)
class Series:
    """One colour of a stacked chart: a category, an error or a shop."""

    key: str
    label: str
    hue: str
    url: str


@dataclass(frozen=True)
class CountsOverTime:
    """Counts per span between the edges; ``unit`` is how long a span is.

    ``before`` has the totals of the spans of the previous period, empty where there is none.
    """

    unit: str
    edges: Sequence[datetime]
    spans: Spans
    before: Sequence[int] = ()


@dataclass(frozen=True)
class Band:
    """Incidents on a chart: their letters, and from where to where they last, in bars."""

    letter: str
    title: str
    start: int
    end: int


@dataclass(frozen=True)
class Stack:
    """What one span holds, per series; ``parts`` are (hue, y, height) to be drawn."""

    place: int
    start: datetime
    end: datetime
    label: str
    counts: list[int]
    total: int
    parts: list[tuple[str, str, str]]
    #: Empty where the query string cannot name the span, or what is counted has no list.
    url: str
    #: Not to be taken for quiet: we could not look.
    unseen: bool
    #: The series in words: data 4, mapping 2.
    words: str
    #: The same span of the previous period; None where there is none.
    before: int | None = None
    #: Height of its bar.
    before_height: str = "0"
    #: The bar is higher than the chart: its value is written beside it.
    is_cut: bool = False
    is_before_cut: bool = False


@dataclass(frozen=True)
class StackedChart:
    """Counts over time. ``outside``: what has no date, or a later one, and so is not drawn."""

    unit: str
    series: list[Series]
    #: The largest series, and all others as one: the legend.
    drawn: list[Series]
    stacks: list[Stack]
    scale: Scale
    width: int
    #: What stands below, and where it begins, in per cent of the width.
    x_labels: list[tuple[str, str]]
    outside: int
    bands: list[Band] = field(default_factory=list)

    @property
    def has_before(self) -> bool:
        """Return True if the previous period is drawn behind the bars."""
        return any(stack.before is not None for stack in self.stacks)

    @property
    def bar(self) -> tuple[float, float]:
        """Return where a bar begins within its unit, and how wide it is."""
        width = NARROW_BAR if self.has_before else BAR
        return round((1 - width) / 2, 2), width

    def per_cent(self, bars: float) -> str:
        """Return a distance in bars as a part of the width."""
        return f"{100 * bars / self.width:.4g}"

    @property
    def has_cut(self) -> bool:
        """Return True if a bar is higher than the chart."""
        return any(stack.is_cut for stack in self.stacks)

    @property
    def has_unseen(self) -> bool:
        """Return True if part of it was not observed."""
        return any(stack.unseen for stack in self.stacks)


def histogram_of(asked: OrderFilter, fresh: Freshness, total: int) -> StackedChart | None:
    """Draw the orders that match, whatever their view and state, over the list's own date."""
    ends = ends_of(asked, fresh, asked.matching(fresh.now, "view", "state"))
    if ends is None:
        return None
    unit, edges = edges_between(*ends)
    # The edges bound what is counted; with two bounds SQLite chooses a slower plan.
    undated = asked.within(asked.matching(fresh.now, "view", "state", "dates"), Bounds())
    column = service.DATES[asked.dated_by]
    spans = service.over_time(undated, column, edges, "category", fresh.revision)
    everything = asked.query.of_orders().without("state").with_("view", "all")
    path = reverse("dashboard:orders")

    def link(category: service.Category) -> str:
        return asked.query.toggle("category", category.value).url(path)

    query = None if unit == "hour" else everything
    counted = CountsOverTime(unit, edges, spans)
    return stacked(asked, fresh, counted, category_series(spans, link), query, total)


def stacked(
    asked: OrderFilter,
    fresh: Freshness,
    counted: CountsOverTime,
    series: list[Series],
    query: Query | None,
    total: int,
) -> StackedChart:
    """Draw counts per span and series; ``query`` is that of the lists to link to, if any."""
    unit, edges, spans = counted.unit, counted.edges, counted.spans
    link = days_links(query) if query else None
    scale = scale_of([*(sum(span.values()) for span in spans), *counted.before])
    drawn, places = _drawn(series, spans)
    befores = [*counted.before, *[None] * len(spans)]
    stacks = []
    for i, (span, start, end) in enumerate(zip(spans, edges, edges[1:], strict=False)):
        counts = [span.get(one.key, 0) for one in series]
        pairs = zip(series, counts, strict=True)
        total_of_span, before = sum(counts), befores[i]
        stacks.append(
            Stack(
                place=i,
                start=start,
                end=end,
                label=bar_label(start, unit),
                counts=counts,
                total=total_of_span,
                parts=_parts(drawn, places, counts, scale.top),
                url=link(start, end) if link else "",
                unseen=is_unseen(asked, fresh, start, end),
                words=", ".join(f"{one.label.lower()} {n}" for one, n in pairs if n),
                before=before,
                before_height=f"{HEIGHT * min(before or 0, scale.top) / scale.top:.4g}",
                is_cut=total_of_span > scale.top,
                is_before_cut=(before or 0) > scale.top,
            )
        )
    return StackedChart(
        unit=unit,
        series=series,
        drawn=drawn,
        stacks=stacks,
        scale=scale,
        width=len(spans),
        x_labels=_x_labels(edges[:-1], unit),
        outside=total - sum(stack.total for stack in stacks),
    )


def _x_labels(starts: Sequence[datetime], unit: str) -> list[tuple[str, str]]:
    """Name spans at equal distances, where there is room for a name before the chart's end."""
    step = -(-len(starts) // X_LABELS)
    return [
        (short_label(starts[n], unit), f"{100 * n / len(starts):.4g}")
        for n in range(0, len(starts), step)
        if 2 * (len(starts) - n) >= step
    ]


def category_series(spans: Spans, link: Callable[[service.Category], str]) -> list[Series]:
    """Return a series for each category that occurs, in the order of Category."""
    found = [c for c in service.Category if any(span.get(c) for span in spans)]
    return [Series(c.value, str(c.label), c.value, link(c)) for c in found]


def _drawn(series: list[Series], spans: Spans) -> tuple[list[Series], list[int]]:
    """Return the series to be drawn, and for each of all series its place among these."""
    sums = {one.key: sum(span.get(one.key, 0) for span in spans) for one in series}
    named = [one for one in series if one.key != OTHER]
    ranked = sorted(named, key=lambda one: -sums[one.key])
    largest, rest = ranked[:MOST_DRAWN], ranked[MOST_DRAWN:]
    if len(rest) == 1 and len(named) == len(series):
        largest, rest = ranked, []
    places = {one.key: place for place, one in enumerate(largest)}
    other = [Series(OTHER, "Other", OTHER, "")] if len(largest) < len(series) else []
    return largest + other, [places.get(one.key, len(largest)) for one in series]


def _parts(
    drawn: list[Series], places: list[int], counts: list[int], top: int
) -> list[tuple[str, str, str]]:
    sums = [0] * len(drawn)
    for place, count in zip(places, counts, strict=True):
        sums[place] += count
    parts, below = [], 0
    for one, count in zip(drawn, sums, strict=True):
        # What reaches beyond the top is cut off.
        low, high = min(below, top), min(below + count, top)
        below += count
        if high > low:
            y = HEIGHT * (top - high) / top
            parts.append((one.hue, f"{y:.4g}", f"{HEIGHT * (high - low) / top:.4g}"))
    return parts


def is_unseen(asked: OrderFilter, fresh: Freshness, start: datetime, end: datetime) -> bool:
    """Return True if part of the span was not observed. What is still to come does not count."""
    now = fresh.now
    if fresh.seen is None:
        return True
    since, until = fresh.seen
    if asked.dated_by == "expires":  # what expires was logged LOG_KEEPS earlier
        return start < since + service.LOG_KEEPS or end > until + service.LOG_KEEPS
    return start <= now and (start < since or until + SOON < min(end, now))


def ends_of(
    asked: OrderFilter, fresh: Freshness, matching: service.FailedOrderQuerySet
) -> tuple[datetime, datetime] | None:
    """Return where the chart begins and ends; None if no order has such a date."""
    bounds, which = asked.bounds_so_far(fresh.now), asked.dated_by
    start = bounds.start or _midnight(service.earliest(matching, which))
    end = bounds.end or (service.latest(matching, which) if which == "expires" else fresh.now)
    if start is None or end is None:
        return None
    if bounds.end is None:
        # One document dated 2099 must not press all others into one bar.
        rolling = asked["period"] == "24h" and not any(asked.days)
        end = end + timedelta(hours=1) if rolling else next_day(end)
    elif end - start > LONGEST:
        first, last = service.earliest(matching, which), service.latest(matching, which)
        start, end = max(start, _midnight(first) or start), min(end, next_day(last or end))
    return (start, end) if start < end else None


def _midnight(moment: datetime | None) -> datetime | None:
    return begin_of(local(moment).date()) if moment else None


def next_day(moment: datetime) -> datetime:
    """Return the end of the day of a moment, in the dashboard's zone."""
    return begin_of(local(moment).date() + timedelta(days=1)) or moment


def days_links(query: Query) -> Callable[[datetime, datetime], str]:
    """Return what links to the list of the days between two moments."""
    path = reverse("dashboard:orders")
    adding = query.without("period", "from", "to").adding("from", "to")

    def link(start: datetime, end: datetime) -> str:
        first = local(start).date()
        last = local(end - timedelta(microseconds=1)).date()
        return f"{path}?{adding(first.isoformat(), last.isoformat())}"

    return link


def bar_label(start: datetime, unit: str) -> str:
    """Name a span of a chart in words, by where it begins."""
    day = local(start)
    words = full_day(day)
    if unit == "hour":
        return f"{words}, {day:%H:%M}"
    if unit in ("month", "year"):
        return f"{day:%b %Y}" if unit == "month" else f"{day:%Y}"
    return f"week of {words}" if unit == "week" else words


def short_label(start: datetime, unit: str) -> str:
    """Name a span below a chart."""
    day = local(start)
    if unit == "hour":
        return f"{day:%H:%M}"
    if unit in ("month", "year"):
        return f"{day:%b %Y}"
    return f"{day.day} {day:%b}"
