"""The panels of /trends/: what is counted, against the period before. Page and API draw them.

Orders are counted under their latest error, by the date that the page names; attempts under their
own error, when they were logged. Where orders are counted, marks link to the list of them.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from django.urls import reverse
from django.utils import timezone

from dashboard.charts.headline import comparable
from dashboard.charts.heat_map import HeatMap, heat_map_of
from dashboard.charts.stacked import StackedChart
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import Bounds, begin_of
from dashboard.incident_list import IncidentList, are_on_charts, incidents_of, with_incidents
from dashboard.trends.figures import Figure, figures_of
from dashboard.trends.measures import Link, Measure, linker, measure_of, of_before
from dashboard.trends.outcomes import Became, became_of
from dashboard.trends.over_time import per_day
from dashboard.trends.rows import Counts, Pair, Row, category_rows, movers, rows_of, sums_by
from dashboard.trends.shops import Shops, lags_of, percentiles_of, shops_of
from reconciler import service
from reconciler.service import Freshness

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
    figures: list[Figure]
    #: Median and nine in ten of the time to the first attempt; empty if nothing was measured.
    percentiles: list[Row]
    per_day: StackedChart | None
    incidents: IncidentList
    categories: list[Row]
    errors: list[Row]
    shops: Shops
    #: All shops that changed, for the API.
    shop_movers: list[Row]
    heat: HeatMap
    ages: list[Row]
    outside: int
    silence: Silence | None
    ever: bool
    bounds: Bounds
    before: Bounds | None
    #: What became of the orders; None where attempts are counted.
    became: Became | None
    seen_since: datetime | None
    negative_lags: int = 0
    unknown_lags: int = 0


def trends_of(asked: OrderFilter, fresh: Freshness) -> Trends:
    """Count everything that the page shows."""
    before = comparable(asked, fresh)
    measure = measure_of(asked, fresh, before)
    counted = _Counted.of(measure, fresh.revision)
    link = linker(asked)
    bounds = asked.bounds(fresh.now)
    was = of_before(asked, before)
    orders = asked.matching(fresh.now)
    earlier = asked.within(asked.matching(fresh.now, "dates"), before) if before else None
    lags, lags_before = lags_of(orders, fresh), lags_of(earlier, fresh)
    percentiles = percentiles_of(lags, lags_before)
    total = counted.total(link)
    with_dates = sum(sum(mine.values()) for mine in lags.values())
    of_orders = orders.count() if asked.counts_attempts else total.now
    shops = rows_of(counted.by_shop(), {}, link, was, "shop")
    ages, outside = _ages(asked, fresh)
    drawn = per_day(asked, fresh, measure, before, counted.words(), total.now)
    incidents = _incidents(asked, fresh, counted)
    if drawn is not None:
        drawn = with_incidents(drawn, incidents)
    errors = movers(rows_of(counted.by_error(), counted.words(), link, was, "error"))
    became = None if asked.counts_attempts else became_of(asked, fresh, earlier, link)
    missing = _missing(asked, measure, fresh.revision)
    noun = "attempts" if asked.counts_attempts else "orders"
    return Trends(
        total=total,
        figures=figures_of(noun, total, became, percentiles),
        percentiles=percentiles,
        per_day=drawn,
        incidents=incidents,
        categories=category_rows(counted.by_category(), link, was),
        errors=errors if asked.counts_attempts else _marked(errors, counted, bounds, fresh),
        shops=shops_of(shops, total, counted.shops, lags, lags_before, missing),
        shop_movers=movers(shops),
        heat=_heat(measure, link, fresh.revision),
        ages=ages,
        outside=outside,
        silence=_silence(fresh),
        ever=bool(total.now) or service.failed_orders().exists(),
        bounds=bounds,
        before=before,
        became=became,
        seen_since=(fresh.seen or (None,))[0],
        negative_lags=sum(mine.get(-1, 0) for mine in lags.values()),
        unknown_lags=of_orders - with_dates,
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
        now = service.totals(measure.now, revision, measure.shop)
        was = measure.before
        before = None if was is None else service.totals(was, revision, measure.shop)
        both = [*now, *(before or {})]
        signatures = service.signatures_of(signature for signature, _ in both)
        return cls(now, before, signatures, service.shop_names({shop for _, shop in both}))

    def total(self, link: Link) -> Row:
        before = None if self.before is None else sum(self.before.values())
        return Row("failed", "Failed", sum(self.now.values()), before, link("", ""))

    def by_error(self) -> dict[str, Pair]:
        return sums_by(lambda s, _: [self.signatures[s].slug], self.now, self.before)

    def by_category(self) -> dict[str, Pair]:
        return sums_by(lambda s, _: [self.signatures[s].category], self.now, self.before)

    def by_shop(self) -> dict[str, Pair]:
        names: dict[int, list[str]] = defaultdict(list)
        for name, shops in self.shops.items():
            for shop in shops:
                names[shop].append(name)
        return sums_by(lambda _, shop: names[shop], self.now, self.before)

    def words(self) -> dict[str, str]:
        return {row.slug: row.title for row in self.signatures.values()}


def _marked(rows: list[Row], counted: _Counted, bounds: Bounds, fresh: Freshness) -> list[Row]:
    """Say of errors that they are new, back or worse in the period."""
    dates = service.dates_of_signatures(bounds.start, bounds.end, fresh.revision)
    keys = {signature.slug: pk for pk, signature in counted.signatures.items()}
    now, before = _sums(counted.now), _sums(counted.before or {})
    changes = service.Changes(now, before)
    return [replace(row, mark=service.label_of(keys[row.key], dates, changes)) for row in rows]


def _sums(counts: Counts) -> dict[int, int]:
    sums: dict[int, int] = defaultdict(int)
    for (signature, _), n in counts.items():
        sums[signature] += n
    return sums


def _incidents(asked: OrderFilter, fresh: Freshness, counted: _Counted) -> IncidentList:
    """Return the incidents of the errors on the page, where its date is when orders failed."""
    if not are_on_charts(asked):
        return IncidentList([], 0)
    return incidents_of(asked, fresh, {signature for signature, _ in counted.now})


def _missing(asked: OrderFilter, measure: Measure, revision: int) -> dict[int, int] | None:
    """Count the orders that are missing from the OMS by shop; None where attempts are counted."""
    if asked.counts_attempts:
        return None
    orders = measure.now.with_verdicts(["missing"])
    sums: dict[int, int] = defaultdict(int)
    for (_, shop), n in service.totals(orders, revision, measure.shop).items():
        sums[shop] += n
    return sums


def _heat(measure: Measure, link: Link, revision: int) -> HeatMap:
    count = partial(service.quarters, measure.now, measure.column)
    rest = measure.column
    counts = service.cached(revision, "quarters", measure.now, rest, count)
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
    numbers, outside = service.cached(fresh.revision, "ages and outside", orders, moments, count)
    largest = max(numbers) or 1
    rows = []
    for (_, _, label), (first, last), n in zip(AGES, spans, reversed(numbers), strict=True):
        bounded = query.with_("to", last.isoformat() if last else "")
        url = bounded.with_("from", first.isoformat() if first else "").url(path)
        rows.append(Row(label, label, n, None, url, round(100 * n / largest, 2)))
    return rows, outside


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
