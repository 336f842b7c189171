"""The panels of /trends/: what is counted, against the period before; pages and the API draw it.

Orders are counted under their latest error, by the date that the page names; attempts under their
own error, when they were logged. Where orders are counted, a mark links to the list of them.
"""

from calendar import day_abbr
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone

from dashboard.charts.headline import comparable
from dashboard.charts.stacked import StackedChart
from dashboard.filtering.forms import WEEKDAYS, TrendFilters
from dashboard.filtering.periods import Bounds, begin_of
from dashboard.trends.measures import Link, Measure, linker, measure_of, names_of
from dashboard.trends.over_time import per_day
from reconciler import service

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
    per_day: StackedChart | None
    categories: list[Row]
    errors: list[Row]
    stores: list[Row]
    store_movers: list[Row]
    heat: list[tuple[str, list[Cell], int]]
    ages: list[Row]
    undated: int
    silence: Silence | None
    ever: bool
    bounds: Bounds
    before: Bounds | None
    seen_since: datetime | None
    negative_lags: int = 0
    unknown_lags: int = 0
    more_stores: int = 0
    top_heat: int = 0


def trends_of(filters: TrendFilters) -> Trends:
    """Count everything that the page shows."""
    before = comparable(filters)
    measure = measure_of(filters, before)
    counted = _Counted.of(measure, filters.revision)
    link = linker(filters)
    lags = _lags(filters, filters.bounds)
    p50, p90 = _percentiles(lags, _lags(filters, before) if before else {})
    total = counted.total(link)
    with_dates = sum(sum(mine.values()) for mine in lags.values())
    orders = filters.matching().count() if filters.of_attempts else total.now
    stores = _named(counted.by_store(), {}, link, "shop")
    heat, top_heat = _heat(filters, measure)
    ages, undated = _ages(filters)
    return Trends(
        total=total,
        p50=p50,
        p90=p90,
        per_day=per_day(filters, measure, counted.signatures, counted.shops, total.now),
        categories=_categories(counted.by_category(), link),
        errors=_movers(_named(counted.by_error(), counted.words(), link, "error")),
        stores=_with_lags(stores[:MOST_STORES], counted.shops, lags),
        store_movers=_movers(stores),
        heat=heat,
        ages=ages,
        undated=undated,
        silence=_silence(filters),
        ever=service.failed_orders().exists(),
        bounds=filters.bounds,
        before=before,
        seen_since=(filters.seen or (None,))[0],
        negative_lags=sum(mine.get(-1, 0) for mine in lags.values()),
        unknown_lags=orders - with_dates,
        more_stores=max(0, len(stores) - MOST_STORES),
        top_heat=top_heat,
    )


@dataclass(frozen=True)
class _Counted:
    """Counts by signature and shop, now and before (None: not compared), and what these are."""

    now: Counts
    before: Counts | None
    signatures: dict[int, service.ErrorSignature]
    shops: dict[str, set[int]]

    @classmethod
    def of(cls, measure: Measure, revision: int) -> "_Counted":
        def totals(rows: Any) -> Counts:
            count = partial(service.totals, rows, measure.shop)
            return service.kept(revision, "totals", rows.order_by(), (), count)

        now = totals(measure.now)
        before = None if measure.before is None else totals(measure.before)
        both = [*now, *(before or {})]
        signatures = service.signatures_of(signature for signature, _ in both)
        return cls(now, before, signatures, service.shops_called({shop for _, shop in both}))

    def total(self, link: Link) -> Row:
        before = None if self.before is None else sum(self.before.values())
        return Row("failed", "Failed", sum(self.now.values()), before, link("", ""))

    def by_error(self) -> dict[str, "Pair"]:
        return _rows(self.now, self.before, lambda s, _: [self.signatures[s].slug])

    def by_category(self) -> dict[str, "Pair"]:
        return _rows(self.now, self.before, lambda s, _: [self.signatures[s].category])

    def by_store(self) -> dict[str, "Pair"]:
        names = names_of(self.shops)
        return _rows(self.now, self.before, lambda _, shop: names[shop])

    def words(self) -> dict[str, str]:
        return {row.slug: row.plain or row.template for row in self.signatures.values()}


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


def _named(pairs: dict[str, Pair], labels: dict[str, str], link: Link, name: str) -> list[Row]:
    """Turn sums into rows, most now first; only what has orders now has a link."""
    rows = [
        Row(key, labels.get(key, key), n, b, link(name, key) if n else "")
        for key, (n, b) in pairs.items()
    ]
    return sorted(rows, key=lambda row: (-row.now, row.label, row.key))


def _categories(pairs: dict[str, Pair], link: Link) -> list[Row]:
    labels = {value: str(label) for value, label in service.Category.choices}
    rows = _named(pairs, labels, link, "category")
    largest = max([row.now for row in rows], default=0) or 1
    return [replace(row, size=round(100 * row.now / largest, 2), hue=row.key) for row in rows]


def _movers(rows: list[Row]) -> list[Row]:
    """Keep what changed most, the largest rise first; bars go both ways from 50."""
    moved = sorted((row for row in rows if row.change), key=lambda r: -abs(r.change or 0))
    kept = moved[:MOST_MOVERS]
    largest = max([abs(row.change or 0) for row in kept], default=1)
    kept.sort(key=lambda row: (-(row.change or 0), row.label))
    return [replace(row, size=round(50 * abs(row.change or 0) / largest, 2)) for row in kept]


def _lags(filters: TrendFilters, bounds: Bounds) -> dict[int, dict[int, int]]:
    orders = filters.within(filters.matching("dates"), bounds)
    count = partial(service.lags, orders)
    return service.kept(filters.revision, "lags", orders.order_by(), (), count)


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
        found.append(replace(row, p50=p50, p90=p90))
    return found


def _heat(filters: TrendFilters, measure: Measure) -> tuple[list[tuple[str, list[Cell], int]], int]:
    """Count by weekday and hour of the dashboard's zone; return rows and the largest count."""
    grid = [[0] * 24 for _ in WEEKDAYS]
    for moment, n in service.quarters(measure.now, measure.column).items():
        local = timezone.localtime(moment)
        grid[local.weekday()][local.hour] += n
    top = max(max(row) for row in grid)
    link = linker(filters)
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
    seen = filters.seen
    # What was not asked for is not silent.
    until = filters.now if seen is None else min(filters.now, seen[1])
    found = service.silence(until)
    if found is None:
        return None
    last, longer = found
    length = until - last
    return Silence(last, length, longer, longer is None and length >= service.SHORT_SILENCE)
