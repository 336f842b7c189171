"""The panels of /trends/: what is counted, against the period before; pages and the API draw it.

Orders are counted under their latest error, by the date that the page names; attempts under their
own error, when they were logged. Where orders are counted, a mark links to the list of them.
"""

from calendar import day_abbr
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from dashboard.charts import (
    BAR_START,
    HEIGHT,
    X_LABELS,
    bar_label,
    comparable,
    days_url,
    ends_of,
    nice,
    short_label,
)
from dashboard.filters import WEEKDAYS, TrendFilters
from dashboard.periods import Bounds, begin_of, edges_between
from reconciler import service

#: So many errors or stores are stacked; the rest is one more.
MOST_SERIES = 7
OTHER = "other"
MOST_MOVERS = 8
MOST_STORES = 12
HEAT_STEPS = 5
#: Age of what is open, in calendar days since the first attempt: from, to, in words.
AGES: tuple[tuple[int, int | None, str], ...] = (
    (0, 0, "today"),
    (1, 1, "yesterday"),
    (2, 3, "2–3 days"),
    (4, 7, "4–7 days"),
    (8, 14, "8–14 days"),
    (15, 30, "15–30 days"),
    (31, 60, "31–60 days"),
    (61, None, "over 60 days"),
)
Counts = dict[tuple[int, int], int]


@dataclass(frozen=True)
class Series:
    """One colour of a stacked chart: a category, an error or a store."""

    key: str
    label: str
    hue: str
    url: str


@dataclass(frozen=True)
class Stack:
    """What one span holds, per series; ``parts`` are (hue, y, height) to be drawn."""

    start: datetime
    end: datetime
    label: str
    counts: list[int]
    total: int
    x: str
    parts: list[tuple[str, str, str]]
    url: str
    #: Not to be taken for quiet: we could not look.
    unseen: bool


@dataclass(frozen=True)
class PerDay:
    """Counts over time, stacked."""

    unit: str
    series: list[Series]
    stacks: list[Stack]
    top: int
    width: int
    x_labels: list[str]
    outside: int


@dataclass(frozen=True)
class Row:
    """A value now and in the period before (None: not compared), with a bar up to 100."""

    key: str
    label: str
    now: int
    before: int | None
    url: str
    size: float = 0
    hue: str = ""
    p50: int | None = None
    p90: int | None = None

    @property
    def change(self) -> int | None:
        """Return the change in numbers."""
        return None if self.before is None else self.now - self.before

    @property
    def per_cent(self) -> int | None:
        """Return the change in per cent; None where there is nothing to divide by."""
        return round(100 * (self.now - self.before) / self.before) if self.before else None


@dataclass(frozen=True)
class Cell:
    """An hour of a weekday."""

    title: str
    count: int
    step: int
    url: str


@dataclass(frozen=True)
class Silence:
    """When the log last held something new, and whether that is longer than it ever paused."""

    last: datetime
    length: timedelta
    #: A pause before that was longer; None: there was none, or this one is short.
    longer: timedelta | None
    #: Nothing for longer than ever, and for an hour at least.
    looks_dead: bool


@dataclass
class Trends:
    """All panels."""

    total: Row
    p50: Row | None
    p90: Row | None
    per_day: PerDay | None
    categories: list[Row]
    errors: list[Row]
    stores: list[Row]
    store_movers: list[Row]
    heat: list[tuple[str, list[Cell], int]]
    ages: list[Row]
    undated: int
    silence: Silence | None
    bounds: Bounds
    before: Bounds | None
    seen_since: datetime | None
    negative_lags: int = 0
    unknown_lags: int = 0
    more_stores: int = 0
    top_heat: int = 0


@dataclass(frozen=True)
class Measure:
    """What is counted: rows now, before and ever, their moment's column, the path to the shop."""

    now: Any
    before: Any
    #: For counts between edges, which bound them already: two bounds mislead SQLite.
    ever: Any
    column: str
    shop: str


def measure_of(filters: TrendFilters, before: Bounds | None) -> Measure:
    """Take orders by the page's date, or attempts by when they were logged."""
    if not filters.of_attempts:
        matching = filters.matching("dates")
        earlier = filters.within(matching, before) if before else None
        column = service.DATES[filters.date_value]
        now, ever = (filters.within(matching, bounds) for bounds in (filters.bounds, Bounds()))
        return Measure(now, earlier, ever, column, "shop")
    kinds = ("error", "category", "retry")
    chosen = {
        name: (filters.cleaned[name].include, filters.cleaned[name].exclude) for name in kinds
    }
    orders = filters.matching("dates", *kinds)

    def within(bounds: Bounds) -> Any:
        return service.attempts_of(orders, chosen, bounds.start, bounds.end)

    earlier = within(before) if before else None
    now, ever = within(filters.bounds), within(Bounds())
    return Measure(now, earlier, ever, "logged_at", "order__shop")


def trends_of(filters: TrendFilters) -> Trends:
    """Count everything that the page shows."""
    before = comparable(filters)
    measure = measure_of(filters, before)
    now = service.totals(measure.now, measure.shop)
    earlier = service.totals(measure.before, measure.shop) if before else None
    signatures = service.signatures_of(s for counts in (now, earlier or {}) for s, _ in counts)
    shops = service.shops_called({shop for counts in (now, earlier or {}) for _, shop in counts})
    link = _linker(filters)
    errors = _rows(now, earlier, lambda signature, _: [signatures[signature].slug])
    names = _names_of(shops)
    stores = _rows(now, earlier, lambda _, shop: names[shop])
    categories = _rows(now, earlier, lambda signature, _: [signatures[signature].category])
    templates = {row.slug: row.plain or row.template for row in signatures.values()}
    total_now = sum(now.values())
    total_before = None if earlier is None else sum(earlier.values())
    lags, lags_before = _lags(filters, filters.bounds), _lags(filters, before) if before else {}
    p50, p90 = _percentiles(lags, lags_before)
    store_rows = _named(stores, {}, link, "shop")
    heat, top_heat = _heat(filters, measure)
    ages, undated = _ages(filters)
    counted = total_now if not filters.of_attempts else filters.matching().count()
    return Trends(
        total=Row("failed", "Failed", total_now, total_before, link("", "")),
        p50=p50,
        p90=p90,
        per_day=_per_day(filters, measure, signatures, shops, total_now),
        categories=_categories(categories, link),
        errors=_movers(_named(errors, templates, link, "error")),
        stores=_with_lags(store_rows[:MOST_STORES], shops, lags),
        store_movers=_movers(store_rows),
        heat=heat,
        ages=ages,
        undated=undated,
        silence=_silence(filters),
        bounds=filters.bounds,
        before=before,
        seen_since=(service.seen_between() or (None,))[0],
        negative_lags=sum(mine.get(-1, 0) for mine in lags.values()),
        unknown_lags=counted - sum(sum(mine.values()) for mine in lags.values()),
        more_stores=max(0, len(store_rows) - MOST_STORES),
        top_heat=top_heat,
    )


def _linker(filters: TrendFilters) -> Callable[[str, str], str]:
    """Link to the orders with one more value; "" where attempts are counted."""
    path, query = reverse("dashboard:orders"), filters.orders_query

    def link(name: str, value: str) -> str:
        if filters.of_attempts:
            return ""
        return (query.with_(name, value) if name else query).url(path)

    return link


Pair = tuple[int, int | None]


def _rows(
    now: Counts, earlier: Counts | None, keys_of: Callable[[int, int], list[str]]
) -> dict[str, Pair]:
    """Sum counts by key; before is None where nothing may be compared."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place, counts in enumerate((now, earlier or {})):
        for (signature, shop), n in counts.items():
            for key in keys_of(signature, shop):
                sums[key][place] += n
    return {key: (n, None if earlier is None else b) for key, (n, b) in sums.items()}


def _names_of(shops: dict[str, set[int]]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    for name, keys in shops.items():
        for key in keys:
            names[key].append(name)
    return names


def _named(
    pairs: dict[str, Pair], labels: dict[str, str], link: Callable[[str, str], str], name: str
) -> list[Row]:
    """Turn sums into rows, most now first; only what has orders now has a link."""
    rows = [
        Row(key, labels.get(key, key), n, b, link(name, key) if n else "")
        for key, (n, b) in pairs.items()
    ]
    return sorted(rows, key=lambda row: (-row.now, row.label, row.key))


def _categories(pairs: dict[str, Pair], link: Callable[[str, str], str]) -> list[Row]:
    labels = {value: str(label) for value, label in service.Category.choices}
    rows = _named(pairs, labels, link, "category")
    largest = max([row.now for row in rows], default=0) or 1
    return [_sized(row, 100 * row.now / largest, row.key) for row in rows]


def _movers(rows: list[Row]) -> list[Row]:
    """Keep what changed most, the largest rise first; bars go both ways from 50."""
    moved = sorted((row for row in rows if row.change), key=lambda r: -abs(r.change or 0))
    kept = moved[:MOST_MOVERS]
    largest = max([abs(row.change or 0) for row in kept], default=1)
    kept.sort(key=lambda row: (-(row.change or 0), row.label))
    return [_sized(row, 50 * abs(row.change or 0) / largest) for row in kept]


def _sized(row: Row, size: float, hue: str = "") -> Row:
    return Row(row.key, row.label, row.now, row.before, row.url, round(size, 2), hue)


def _lags(filters: TrendFilters, bounds: Bounds) -> dict[int, dict[int, int]]:
    return service.lags(filters.within(filters.matching("dates"), bounds))


def _merged(counts: Iterable[dict[int, int]]) -> dict[int, int]:
    """Add up; what was tried before it was created is left out: the zone, or a clock, is wrong."""
    sums: dict[int, int] = defaultdict(int)
    for mine in counts:
        for minutes, n in mine.items():
            if minutes >= 0:
                sums[minutes] += n
    return sums


def _percentiles(
    now: dict[int, dict[int, int]], before: dict[int, dict[int, int]]
) -> tuple[Row | None, Row | None]:
    """Return median and nine in ten over all stores, in whole minutes."""
    rows = []
    for per_cent, label in ((50, "First attempt, median"), (90, "First attempt, 9 in 10")):
        value = service.percentile(_merged(now.values()), per_cent)
        earlier = service.percentile(_merged(before.values()), per_cent)
        known = value is not None
        rows.append(Row(f"p{per_cent}", label, value or 0, earlier, "") if known else None)
    return rows[0], rows[1]


def _with_lags(
    rows: list[Row], shops: dict[str, set[int]], lags: dict[int, dict[int, int]]
) -> list[Row]:
    found = []
    for row in rows:
        mine = _merged(lags.get(key, {}) for key in shops[row.key])
        p50, p90 = (service.percentile(mine, n) for n in (50, 90))
        found.append(Row(row.key, row.label, row.now, row.before, row.url, p50=p50, p90=p90))
    return found


def _per_day(
    filters: TrendFilters,
    measure: Measure,
    signatures: dict[int, service.ErrorSignature],
    shops: dict[str, set[int]],
    total: int,
) -> PerDay | None:
    ends = ends_of(filters, filters.matching("dates"))
    if ends is None:
        return None
    unit, edges = edges_between(*ends)
    by, link = filters.by_value, _linker(filters)
    kind = "signature" if by != "shop" else measure.shop
    counts = service.counts_between(measure.ever, measure.column, edges, kind)
    name_of = {pk: names[0] for pk, names in _names_of(shops).items()}

    def key_of(found: int) -> str:
        if by == "shop":
            return name_of[found]
        return signatures[found].category if by == "category" else signatures[found].slug

    spans: list[dict[str, int]] = [defaultdict(int) for _ in edges[1:]]
    for (span, found), n in counts.items():
        spans[span][key_of(found)] += n
    labels = {row.slug: row.plain or row.template for row in signatures.values()}
    series = _series(by, spans, labels, link)
    spans = _with_other(series, spans)
    top = nice(max(sum(span.values()) for span in spans))
    stacks = _stacks(filters, unit, edges, spans, series, top)
    step = -(-len(spans) // X_LABELS)
    return PerDay(
        unit=unit,
        series=series,
        stacks=stacks,
        top=top,
        width=-(-len(spans) // step) * step,
        x_labels=[short_label(start, unit) for start in edges[:-1:step]],
        outside=total - sum(stack.total for stack in stacks),
    )


def _series(
    by: str, spans: list[dict[str, int]], labels: dict[str, str], link: Callable[[str, str], str]
) -> list[Series]:
    """Name what is stacked: categories in their order, else the most frequent and the rest."""
    sums: dict[str, int] = defaultdict(int)
    for span in spans:
        for key, n in span.items():
            sums[key] += n
    if by == "category":
        found = [c for c in service.Category if sums.get(c)]
        return [Series(c.value, str(c.label), c.value, link(by, c.value)) for c in found]
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


def _stacks(
    filters: TrendFilters,
    unit: str,
    edges: list[datetime],
    spans: list[dict[str, int]],
    series: list[Series],
    top: int,
) -> list[Stack]:
    linked = unit != "hour" and not filters.of_attempts
    seen = service.seen_between()
    stacks = []
    for i, (span, start, end) in enumerate(zip(spans, edges, edges[1:], strict=False)):
        counts = [span.get(one.key, 0) for one in series]
        stacks.append(
            Stack(
                start=start,
                end=end,
                label=bar_label(start, unit),
                counts=counts,
                total=sum(counts),
                x=f"{i + BAR_START:g}",
                parts=_parts(series, counts, top),
                url=days_url(filters.orders_query, start, end) if linked else "",
                unseen=seen is None or not seen[0] <= start <= seen[1],
            )
        )
    return stacks


def _parts(series: list[Series], counts: list[int], top: int) -> list[tuple[str, str, str]]:
    parts, y = [], float(HEIGHT)
    for one, count in zip(series, counts, strict=True):
        height = HEIGHT * count / top
        y -= height
        if count:
            parts.append((one.hue, f"{y:.2f}", f"{height:.2f}"))
    return parts


def _heat(filters: TrendFilters, measure: Measure) -> tuple[list[tuple[str, list[Cell], int]], int]:
    """Count by weekday and hour of the dashboard's zone; return rows and the largest count."""
    grid = [[0] * 24 for _ in WEEKDAYS]
    for moment, n in service.quarters(measure.now, measure.column).items():
        local = timezone.localtime(moment)
        grid[local.weekday()][local.hour] += n
    top = max(max(row) for row in grid)
    link = _linker(filters)
    rows = []
    for day, name in enumerate(WEEKDAYS):
        cells = [
            Cell(
                title=f"{day_abbr[day]} {hour:02d}:00–{hour + 1:02d}:00",
                count=n,
                step=-(-n * HEAT_STEPS // top) if n else 0,
                url=link("at", f"{name}-{hour:02d}"),
            )
            for hour, n in enumerate(grid[day])
        ]
        rows.append((day_abbr[day], cells, sum(grid[day])))
    return rows, top


def _ages(filters: TrendFilters) -> tuple[list[Row], int]:
    """Count what is open now by calendar days since its first attempt; and what has no date."""
    orders = filters.matching("dates", "view", "state").in_view("open", filters.now)
    query = filters.orders_query.without("view", "state", "period", "from", "to", "at")
    query = query.with_("view", "open").with_("date", "first")
    path = reverse("dashboard:orders")
    today = timezone.localtime(filters.now).date()
    spans = [(_day_before(today, oldest), _day_before(today, newest)) for newest, oldest, _ in AGES]
    edges = [begin_of(first) for first, _ in reversed(spans) if first]
    far = begin_of(date(1, 1, 2))
    tomorrow = begin_of(today + timedelta(days=1))
    moments = [edge for edge in (far, *edges, tomorrow) if edge]
    counts = service.counts_between(orders, "first_at", moments, "state")
    numbers = [0] * len(AGES)
    for (span, _), n in counts.items():
        numbers[len(AGES) - 1 - span] += n
    largest = max(numbers) or 1
    rows = []
    for (_, _, label), (first, last), n in zip(AGES, spans, numbers, strict=True):
        bounded = query.with_("to", last.isoformat() if last else "")
        url = bounded.with_("from", first.isoformat() if first else "").url(path)
        rows.append(Row(label, label, n, None, url, round(100 * n / largest, 2)))
    return rows, orders.count() - sum(numbers)


def _day_before(today: date, days: int | None) -> date | None:
    return None if days is None else today - timedelta(days=days)


def _silence(filters: TrendFilters) -> Silence | None:
    found = service.silence(filters.now)
    if found is None:
        return None
    last, longer = found
    length = filters.now - last
    return Silence(last, length, longer, longer is None and length >= service.SHORT_SILENCE)
