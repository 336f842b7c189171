"""The shops on /trends/: their orders, and how long each waits for its first attempt."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from dashboard.charts.scale import scale_of
from dashboard.trends.rows import Row
from dashboard.wording import span, without_shopify
from reconciler import service
from reconciler.service import Freshness

MOST_SHOPS = 12
#: Of fewer orders nine in ten say nothing.
FEWEST_MEASURED = 10
#: Shop (primary key) -> whole minutes from creation to the first attempt -> orders.
Lags = dict[int, dict[int, int]]


@dataclass(frozen=True)
class ShopRow(Row):
    """A shop. ``p50`` and ``p90`` are minutes, their places per cent of the drawing's width."""

    #: Of its orders, those that are missing from the OMS; None where attempts are counted.
    missing: int | None = None
    p50: int | None = None
    p90: int | None = None
    p50_place: str = ""
    p90_place: str = ""


@dataclass(frozen=True)
class Shops:
    """The shops with the most orders, and all of them together."""

    rows: list[ShopRow]
    every: ShopRow
    #: Shops with fewer orders.
    more: int
    #: Minutes at the end of the drawn scale; 0 where nothing was measured.
    top: int
    #: Which shop waits longest, in a sentence.
    longest: str = ""


def lags_of(orders: service.FailedOrderQuerySet | None, fresh: Freshness) -> Lags:
    """Count orders by shop and by minutes until their first attempt; none where there are none."""
    if orders is None:
        return {}
    count = partial(service.lags, orders)
    return service.cached(fresh.revision, "lags", orders, (), count)


def percentiles_of(now: Lags, before: Lags) -> list[Row]:
    """Return median and nine in ten over all shops, in whole minutes; empty if none is known."""
    rows = []
    for per_cent, label in ((50, "First attempt, median"), (90, "First attempt, 9 in 10")):
        value = service.percentile(_merged(now.values()), per_cent)
        earlier = service.percentile(_merged(before.values()), per_cent)
        if value is not None:
            rows.append(Row(f"p{per_cent}", label, value, earlier, ""))
    return rows


def shops_of(
    rows: list[Row],
    total: Row,
    shops: Mapping[str, set[int]],
    lags: Lags,
    lags_before: Lags,
    missing: Mapping[int, int] | None,
) -> Shops:
    """Add to rows by shop what else is known of each; ``shops`` are the primary keys by name.

    ``lags_before`` are of the period before, empty where nothing is compared. ``missing`` counts by
    shop; None where that makes no sense.
    """
    shown = rows[:MOST_SHOPS]
    keys = [[*shops[row.key]] for row in shown]
    counts = [
        *(_merged(lags.get(key, {}) for key in mine) for mine in keys),
        _merged(lags.values()),
    ]
    nine_in_ten = [service.percentile(mine, 90) or 0 for mine in counts]
    top = scale_of(nine_in_ten).top if any(nine_in_ten) else 0
    lacking = [_sum(missing, mine) for mine in keys]
    everything = None if missing is None else sum(missing.values())
    found = [
        _row(*one, top) for one in zip([*shown, total], [*lacking, everything], counts, strict=True)
    ]
    more = max(0, len(rows) - MOST_SHOPS)
    nine = {row.label: _nine_in_ten(lags, shops[row.key]) for row in rows}
    before = {row.label: _nine_in_ten(lags_before, shops[row.key]) for row in rows}
    return Shops(found[:-1], found[-1], more, top, _longest(nine, before))


def _nine_in_ten(lags: Lags, shops: Iterable[int]) -> int | None:
    """Return within how many minutes nine in ten were tried; None where few were measured."""
    counts = _merged(lags.get(key, {}) for key in shops)
    return service.percentile(counts, 90) if sum(counts.values()) >= FEWEST_MEASURED else None


def _longest(now: Mapping[str, int | None], before: Mapping[str, int | None]) -> str:
    """Say which of several shops waits longest, and how that was in the period before.

    Says nothing where two wait as long. Both map shops to the minutes of nine in ten.
    """
    ranked = sorted((n, shop) for shop, n in now.items() if n is not None)
    if len(ranked) < 2 or ranked[-1][0] == ranked[-2][0]:
        return ""
    minutes, shop = ranked[-1]
    words = f"{without_shopify(shop)} waits longest: nine in ten within {_span(minutes)}"
    earlier = before[shop]
    if earlier is None:
        return f"{words}."
    if earlier == minutes:
        return f"{words}, as in the period before."
    which = "more" if minutes > earlier else "less"
    return f"{words}, {_span(abs(minutes - earlier))} {which} than in the period before."


def _span(minutes: int) -> str:
    return span(timedelta(minutes=minutes))


def _sum(missing: Mapping[int, int] | None, shops: list[int]) -> int | None:
    return None if missing is None else sum(missing.get(shop, 0) for shop in shops)


def _row(row: Row, missing: int | None, counts: dict[int, int], top: int) -> ShopRow:
    p50, p90 = (service.percentile(counts, n) for n in (50, 90))
    places = [
        f"{min(100, 100 * value / top):.4g}" if value and top else "0" for value in (p50, p90)
    ]
    return ShopRow(
        row.key,
        row.label,
        row.now,
        row.before,
        row.url,
        missing=missing,
        p50=p50,
        p90=p90,
        p50_place=places[0],
        p90_place=places[1],
    )


def _merged(counts: Iterable[dict[int, int]]) -> dict[int, int]:
    """Add up. Orders tried before they were created are left out: a clock or a zone is wrong."""
    sums: dict[int, int] = defaultdict(int)
    for mine in counts:
        for minutes, n in mine.items():
            if minutes >= 0:
                sums[minutes] += n
    return sums
