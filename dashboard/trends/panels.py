"""The panels of /trends/: what is counted, against the period before. Page and API draw them.

Orders are counted under their latest error, by the date that the page names; attempts under their
own error, when they were logged. Where orders are counted, marks link to the list of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone

from dashboard.charts.headline import comparable
from dashboard.charts.heat_map import HeatMap, heat_map_of
from dashboard.charts.stacked import StackedChart
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import Bounds, begin_of
from dashboard.trends.measures import Link, Measure, linker, measure_of
from dashboard.trends.outcomes import Became, became_of
from dashboard.trends.over_time import per_day
from reconciler import service
from reconciler.service import Freshness

MOST_MOVERS = 8
MOST_SHOPS = 12
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
class Silence:
    """When the log last held something new, and whether it was ever silent for longer."""

    last: datetime
    length: timedelta
    #: A longer gap in the 60 days before; None if there is none, or if this silence is short.
    longer: timedelta | None
    #: It lasts an hour at least, and longer than any gap of the 60 days before.
    looks_dead: bool


@dataclass
class Trends:
    """All panels."""

    total: Row
    #: Median and nine in ten of the time to the first attempt; empty if nothing was measured.
    percentiles: list[Row]
    per_day: StackedChart | None
    categories: list[Row]
    errors: list[Row]
    shops: list[Row]
    shop_movers: list[Row]
    heat: HeatMap
    ages: list[Row]
    undated: int
    silence: Silence | None
    ever: bool
    bounds: Bounds
    before: Bounds | None
    #: What became of the orders; None where attempts are counted.
    became: Became | None
    seen_since: datetime | None
    negative_lags: int = 0
    unknown_lags: int = 0
    more_shops: int = 0


def trends_of(asked: OrderFilter, fresh: Freshness) -> Trends:
    """Count everything that the page shows."""
    before = comparable(asked, fresh)
    measure = measure_of(asked, fresh, before)
    counted = _Counted.of(measure, fresh.revision)
    link = linker(asked)
    bounds = asked.bounds(fresh.now)
    lags = _lags(asked, fresh, bounds)
    percentiles = _percentiles(lags, _lags(asked, fresh, before) if before else {})
    total = counted.total(link)
    with_dates = sum(sum(mine.values()) for mine in lags.values())
    orders = asked.matching(fresh.now).count() if asked.counts_attempts else total.now
    shops = _named(counted.by_shop(), {}, link, "shop")
    ages, undated = _ages(asked, fresh)
    return Trends(
        total=total,
        percentiles=percentiles,
        per_day=per_day(asked, fresh, measure, counted.words(), total.now),
        categories=_categories(counted.by_category(), link),
        errors=_movers(_named(counted.by_error(), counted.words(), link, "error")),
        shops=_with_lags(shops[:MOST_SHOPS], counted.shops, lags),
        shop_movers=_movers(shops),
        heat=_heat(measure, link, fresh.revision),
        ages=ages,
        undated=undated,
        silence=_silence(fresh),
        ever=service.failed_orders().exists(),
        bounds=bounds,
        before=before,
        became=None if asked.counts_attempts else became_of(asked, fresh, link),
        seen_since=(fresh.seen or (None,))[0],
        negative_lags=sum(mine.get(-1, 0) for mine in lags.values()),
        unknown_lags=orders - with_dates,
        more_shops=max(0, len(shops) - MOST_SHOPS),
    )


@dataclass(frozen=True)
class _Counted:
    """Counts by signature and shop, now and before, and the signatures and shops themselves.

    ``before`` is None if the periods are not compared.
    """

    now: Counts
    before: Counts | None
    signatures: dict[int, service.ErrorSignature]
    shops: dict[str, set[int]]

    @classmethod
    def of(cls, measure: Measure, revision: int) -> "_Counted":
        def totals(rows: Any) -> Counts:
            count = partial(service.totals, rows, measure.shop)
            return service.cached(revision, "totals", rows.order_by(), (), count)

        now = totals(measure.now)
        before = None if measure.before is None else totals(measure.before)
        both = [*now, *(before or {})]
        signatures = service.signatures_of(signature for signature, _ in both)
        return cls(now, before, signatures, service.shop_names({shop for _, shop in both}))

    def total(self, link: Link) -> Row:
        before = None if self.before is None else sum(self.before.values())
        return Row("failed", "Failed", sum(self.now.values()), before, link("", ""))

    def by_error(self) -> dict[str, "Pair"]:
        return _rows(self.now, self.before, lambda s, _: [self.signatures[s].slug])

    def by_category(self) -> dict[str, "Pair"]:
        return _rows(self.now, self.before, lambda s, _: [self.signatures[s].category])

    def by_shop(self) -> dict[str, "Pair"]:
        names: dict[int, list[str]] = defaultdict(list)
        for name, shops in self.shops.items():
            for shop in shops:
                names[shop].append(name)
        return _rows(self.now, self.before, lambda _, shop: names[shop])

    def words(self) -> dict[str, str]:
        return {row.slug: row.plain or row.template for row in self.signatures.values()}


Pair = tuple[int, int | None]


def _rows(
    now: Counts, earlier: Counts | None, keys_of: Callable[[int, int], list[str]]
) -> dict[str, Pair]:
    """Sum counts by key, now and before; before is None if the periods are not compared."""
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


def _lags(asked: OrderFilter, fresh: Freshness, bounds: Bounds) -> dict[int, dict[int, int]]:
    orders = asked.within(asked.matching(fresh.now, "dates"), bounds)
    count = partial(service.lags, orders)
    return service.cached(fresh.revision, "lags", orders.order_by(), (), count)


def _merged(counts: Iterable[dict[int, int]]) -> dict[int, int]:
    """Add up. Orders tried before they were created are left out: a clock or a zone is wrong."""
    sums: dict[int, int] = defaultdict(int)
    for mine in counts:
        for minutes, n in mine.items():
            if minutes >= 0:
                sums[minutes] += n
    return sums


def _percentiles(now: dict[int, dict[int, int]], before: dict[int, dict[int, int]]) -> list[Row]:
    """Return median and nine in ten over all shops, in whole minutes."""
    rows = []
    for per_cent, label in ((50, "First attempt, median"), (90, "First attempt, 9 in 10")):
        value = service.percentile(_merged(now.values()), per_cent)
        earlier = service.percentile(_merged(before.values()), per_cent)
        if value is not None:
            rows.append(Row(f"p{per_cent}", label, value, earlier, ""))
    return rows


def _with_lags(
    rows: list[Row], shops: dict[str, set[int]], lags: dict[int, dict[int, int]]
) -> list[Row]:
    found = []
    for row in rows:
        mine = _merged(lags.get(key, {}) for key in shops[row.key])
        p50, p90 = (service.percentile(mine, n) for n in (50, 90))
        found.append(replace(row, p50=p50, p90=p90))
    return found


def _heat(measure: Measure, link: Link, revision: int) -> HeatMap:
    count = partial(service.quarters, measure.now, measure.column)
    rest = measure.column
    counts = service.cached(revision, "quarters", measure.now.order_by(), rest, count)
    return heat_map_of(counts, lambda hour: link("at", hour))


def _ages(asked: OrderFilter, fresh: Freshness) -> tuple[list[Row], int]:
    """Count what is open now by calendar days since its first attempt; and what has no date."""
    orders = asked.matching(fresh.now, "dates", "view", "state").in_view("open", fresh.now)
    query = asked.query.of_orders().without("view", "state", "period", "from", "to", "at")
    query = query.with_("view", "open").with_("date", "first")
    path = reverse("dashboard:orders")
    today = timezone.localtime(fresh.now).date()
    spans = [(_day_before(today, oldest), _day_before(today, newest)) for newest, oldest, _ in AGES]
    edges = [begin_of(first) for first, _ in reversed(spans) if first]
    far = begin_of(date(1, 1, 2))
    tomorrow = begin_of(today + timedelta(days=1))
    moments = [edge for edge in (far, *edges, tomorrow) if edge]
    count = partial(service.per_span, orders, service.DATES["first"], moments)
    numbers = service.cached(fresh.revision, "ages", orders.order_by(), moments, count)[::-1]
    everything = service.cached(fresh.revision, "orders", orders.order_by(), (), orders.count)
    largest = max(numbers) or 1
    rows = []
    for (_, _, label), (first, last), n in zip(AGES, spans, numbers, strict=True):
        bounded = query.with_("to", last.isoformat() if last else "")
        url = bounded.with_("from", first.isoformat() if first else "").url(path)
        rows.append(Row(label, label, n, None, url, round(100 * n / largest, 2)))
    return rows, everything - sum(numbers)


def _day_before(today: date, days: int | None) -> date | None:
    return None if days is None else today - timedelta(days=days)


def _silence(fresh: Freshness) -> Silence | None:
    # Time in which HotWax was not asked is not silence.
    until = fresh.now if fresh.seen is None else min(fresh.now, fresh.seen[1])
    found = service.silence(until, fresh.revision)
    if found is None:
        return None
    last, longer = found
    length = until - last
    return Silence(last, length, longer, longer is None and length >= service.SHORT_SILENCE)
