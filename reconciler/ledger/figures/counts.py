"""Figures over time. An order is counted once, under its latest error (LEDGER.md §5).

Moments bound what is counted. The caller chooses them, so it decides in whose zone days begin.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, reduce
from itertools import pairwise
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from reconciler.ledger.figures import daily_counts
from reconciler.ledger.figures.cache import cached
from reconciler.ledger.figures.daily_counts import CATEGORY
from reconciler.ledger.figures.shops import names_of_shops
from reconciler.ledger.models import ErrorSignature
from reconciler.ledger.queries import (
    DATES,
    NOT_RESOLVED,
    VIEWS,
    FailedOrderQuerySet,
    count_where,
    view_condition,
)
from reconciler.ledger.statements import fetched, rows_of_spans, written, written_sql

Rows = QuerySet[Any]


def _slugs(keys: set[int]) -> dict[int, str]:
    rows = ErrorSignature.objects.filter(pk__in=keys).order_by()
    return dict(rows.values_list("pk", "slug"))


#: What rows are grouped by -> the column, and how its values become keys.
GROUPINGS: dict[str, tuple[str, Callable[[set[Any]], Mapping[Any, str]]]] = {
    "category": (CATEGORY, lambda found: {one: one for one in found}),
    "error": ("signature", _slugs),
    "shop": ("shop", names_of_shops),
}


def over_time(
    rows: Rows,
    moment: str,
    edges: Sequence[datetime],
    by: str,
    revision: int,
    prefix: str = "",
) -> list[dict[str, int]]:
    """Count rows per span between the edges, and in each span by a key of GROUPINGS.

    ``moment`` is the column that places a row in time; ``prefix`` is the path from a row to its
    order's shop. The keys are categories, slugs or shop names.
    """
    column, keys_of = GROUPINGS[by]
    column = f"{prefix}{column}" if by == "shop" else column
    counts = _cached_counts(rows, moment, edges, column, revision)
    keys = keys_of({found for _, found in counts})
    spans: list[dict[str, int]] = [defaultdict(int) for _ in edges[1:]]
    for (span, found), n in counts.items():
        spans[span][keys[found]] += n
    return spans


def totals_over_time(
    rows: Rows, moment: str, edges: Sequence[datetime], revision: int
) -> list[int]:
    """Count rows per span between the edges; ``moment`` is the column that places a row in time."""
    totals = [0] * len(edges[1:])
    for (span, _), n in _cached_counts(rows, moment, edges, "signature", revision).items():
        totals[span] += n
    return totals


def _cached_counts(
    rows: Rows, moment: str, edges: Sequence[datetime], kind: str, revision: int
) -> dict[tuple[int, Any], int]:
    count = partial(_counts, rows, moment, edges, kind)
    return cached(revision, "over time", rows, (moment, edges, kind), count)


def _counts(
    rows: Rows, moment: str, edges: Sequence[datetime], kind: str
) -> dict[tuple[int, Any], int]:
    """Count rows by span and by the values of ``kind``; whole days are counted already."""
    if not daily_counts.serves(rows, moment, kind):
        return counts_between(rows, moment, edges, kind)
    days, rest = daily_counts.whole_days(edges)
    if not days:
        return counts_between(rows, moment, edges, kind)
    counts = daily_counts.counts_of_days(moment, days, kind)
    sums: dict[tuple[int, Any], int] = defaultdict(int, counts)
    for key, n in _counts_within(rows, moment, rest, kind).items():
        sums[key] += n
    return sums


def per_span(rows: Rows, moment: str, edges: Sequence[datetime]) -> tuple[list[int], int]:
    """Count rows per span between the edges, and those in none, in one pass.

    For few rows, and few spans.
    """
    sql, params = written_sql(rows.order_by().values_list(moment))
    if not sql:
        return [0] * len(edges[1:]), 0
    # The first condition that holds gives a row its span; the others are not tried.
    spans = " ".join(f"WHEN moment < %s THEN {number - 1}" for number in range(len(edges)))
    statement = _IN_SPANS.format(orders=sql, spans=spans)
    counts = dict(fetched(statement, [*params, *map(written, edges)]))
    numbers = [counts.pop(number, 0) for number in range(len(edges) - 1)]
    return numbers, sum(counts.values())


@dataclass(frozen=True)
class ViewCounts:
    """Orders per view, and two counts of urgent ones."""

    by_view: dict[str, int]
    #: Of the view `missing`, those without an owner.
    missing_without_owner: int
    #: Of the view `expiring`, those that expire within a day.
    expiring_within_a_day: int


def per_view(orders: FailedOrderQuerySet, now: datetime, revision: int, me: str = "") -> ViewCounts:
    """Count how many of these orders each view holds; ``me`` is the user name of who looks."""
    # Most views hold only open orders, which are few once people work on them.
    unfinished = orders.order_by().filter(view_condition("open", now))
    counts = cached(
        revision, "views and urgent", unfinished, me, lambda: _lasting(unfinished, now, me)
    )
    # What changes from second to second is counted anew: few orders, by their indexes.
    counts = {**counts, **_rolling(unfinished, now)}
    everything = cached(revision, "orders", orders, (), orders.count)
    # In the end nearly all are resolved: those that are not are counted by their own index. What is
    # written between the two counts is in one of them only, until the next revision.
    rest = orders.filter(NOT_RESOLVED)
    resolved = max(0, everything - cached(revision, "orders", rest, (), rest.count))
    urgent = counts.pop("without_owner"), counts.pop("within_a_day")
    return ViewCounts({**counts, "resolved": resolved, "all": everything}, *urgent)


#: Views whose orders change from one second to the next.
ROLLING = ("expiring", "failing")


def _lasting(unfinished: FailedOrderQuerySet, now: datetime, me: str) -> dict[str, int]:
    """Count unfinished orders by the views that do not change from second to second.

    `without_owner` are those of the view `missing` that nobody has.
    """
    views = [view for view in VIEWS if view not in ("all", "resolved", *ROLLING)]
    # Their state need not be looked at again.
    conditions = {view: view_condition(view, now, me=me, any_state=True) for view in views}
    conditions["without_owner"] = conditions["missing"] & Q(assignee=None)
    counts: dict[str, int] = unfinished.aggregate(**_filtered(conditions))
    return counts


def _rolling(unfinished: FailedOrderQuerySet, now: datetime) -> dict[str, int]:
    """Count unfinished orders by the views of ROLLING.

    `within_a_day` are those of the view `expiring` that expire within a day.
    """
    conditions = {view: view_condition(view, now, any_state=True) for view in ROLLING}
    within = unfinished.filter(reduce(or_, conditions.values()))
    tomorrow = Q(expires_at__lt=now + timedelta(days=1))
    conditions["within_a_day"] = conditions["expiring"] & tomorrow
    counts: dict[str, int] = within.aggregate(**_filtered(conditions))
    return counts


def _filtered(conditions: Mapping[str, Q]) -> dict[str, Count]:
    return {name: count_where(condition) for name, condition in conditions.items()}


_IN_SPANS = """
WITH matching(moment) AS ({orders}) SELECT CASE {spans} END, count(*) FROM matching GROUP BY 1
"""
#: SQLite loops over the left side of a CROSS JOIN: one search of the index per span.
_PER_SPAN = """
WITH span(number, low, high) AS (VALUES {spans}), matching(moment, kind) AS ({orders})
SELECT span.number AS number, matching.kind AS kind, count(*) AS n FROM span CROSS JOIN matching
WHERE matching.moment >= span.low AND matching.moment < span.high GROUP BY 1, 2
"""
_POSTGRESQL = """
WITH matching(moment, kind) AS ({orders})
SELECT width_bucket(moment, %s::timestamptz[]) - 1 AS number, kind, count(*) AS n FROM matching
WHERE moment >= %s AND moment < %s GROUP BY 1, 2
"""


#: Adds up counts by number and signature: by number and the category of the signature.
_BY_CATEGORY = f"""SELECT counted.number, signature.category, sum(counted.n)
FROM ({{counted}}) counted JOIN {ErrorSignature._meta.db_table} signature
ON signature.id = counted.kind GROUP BY 1, 2"""  # noqa: S608 - a name of ours


def _by_kind(statement: str, kind: str) -> str:
    """Wrap a statement that counts by signature so that it counts by category, for CATEGORY.

    It names its columns number, kind and n. For any other kind it is returned as it is.
    """
    return _BY_CATEGORY.format(counted=statement) if kind == CATEGORY else statement


def counts_between(
    rows: Rows, column: str, edges: Sequence[datetime], kind: str
) -> dict[tuple[int, Any], int]:
    """Count rows by span and by the values of ``kind``, a column or CATEGORY.

    ``column`` holds the moment. Span i begins at edge i and ends before edge i + 1. Rows outside of
    the edges are not counted.
    """
    if connection.vendor != "postgresql":
        spans = [(number, *ends) for number, ends in enumerate(pairwise(edges))]
        return _counts_within(rows, column, spans, kind)
    sql, params = _moments_and_kinds(rows, column, kind)
    if not sql:
        return {}
    values = [*params, list(edges), edges[0], edges[-1]]
    found = fetched(_by_kind(_POSTGRESQL.format(orders=sql), kind), values)
    return {(span, key): int(n) for span, key, n in found}


def _counts_within(
    rows: Rows, column: str, spans: daily_counts.Spans, kind: str
) -> dict[tuple[int, Any], int]:
    """Count rows by the number of a span and by the values of ``kind``, a column or CATEGORY.

    Each span is one search of an index: for spans that leave gaps, or on SQLite.
    """
    sql, params = _moments_and_kinds(rows, column, kind)
    if not (sql and spans):
        return {}
    rows_of_values, values = rows_of_spans(spans)
    statement = _by_kind(_PER_SPAN.format(spans=rows_of_values, orders=sql), kind)
    return {(span, key): int(n) for span, key, n in fetched(statement, [*values, *params])}


def _moments_and_kinds(rows: Rows, column: str, kind: str) -> tuple[str, Sequence[Any]]:
    column_of_kind = "signature" if kind == CATEGORY else kind
    return written_sql(rows.order_by().values_list(column, column_of_kind))


def totals(rows: Rows, revision: int, shop: str = "shop") -> dict[tuple[int, int], int]:
    """Count rows by signature and shop (primary keys); ``shop`` is the path to the shop."""
    return {
        (signature, shop_id): n
        for shop_id, signature, n in by_columns(rows, [shop, "signature"], revision)
    }


def by_columns(rows: Rows, columns: list[str], revision: int) -> list[tuple[Any, ...]]:
    """Count rows by the values of these columns, which come before each count."""

    def count() -> list[tuple[Any, ...]]:
        return list(rows.order_by().values_list(*columns).annotate(n=Count("*")))

    return cached(revision, "facets", rows, columns, count)


#: Hours of every zone begin at a quarter of an hour of UTC.
QUARTER = timedelta(minutes=15)
_QUARTERS = {
    "sqlite": """
WITH matching(moment) AS ({rows})
SELECT substr(moment, 1, 13) AS hour, CAST(substr(moment, 15, 2) AS INTEGER) / 15, count(*)
FROM matching WHERE moment IS NOT NULL GROUP BY 1, 2
""",
    "postgresql": """
WITH matching(moment) AS ({rows})
SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') AS hour,
  floor(extract(minute FROM moment) / 15)::integer, count(*)
FROM matching WHERE moment IS NOT NULL GROUP BY 1, 2
""",
}


def quarters(rows: Rows, column: str) -> dict[datetime, int]:
    """Count rows per quarter of an hour, by its beginning in UTC."""
    sql, params = written_sql(rows.order_by().values_list(column))
    found = fetched(_QUARTERS[connection.vendor].format(rows=sql), params) if sql else []
    counts: dict[datetime, int] = defaultdict(int)
    for hour, quarter, n in found:
        begin = datetime.fromisoformat(f"{hour}:00+00:00")
        counts[begin + quarter * QUARTER] += n
    return counts


#: Whole minutes from creation to the first attempt, rounded down, by milliseconds.
_LAGS = {
    "sqlite": """
WITH matching(shop, created, tried) AS ({rows}), lag(shop, ms) AS (
  SELECT shop, CAST(round((julianday(tried) - julianday(created)) * 86400000) AS INTEGER)
  FROM matching)
SELECT shop, CASE WHEN ms < 0 THEN -1 ELSE ms / 60000 END, count(*) FROM lag GROUP BY 1, 2
""",
    "postgresql": """
WITH matching(shop, created, tried) AS ({rows})
SELECT shop, greatest(floor(extract(epoch FROM date_trunc('milliseconds', tried)
  - date_trunc('milliseconds', created)) / 60), -1)::integer, count(*)
FROM matching GROUP BY 1, 2
""",
}


def lags(orders: FailedOrderQuerySet) -> dict[int, dict[int, int]]:
    """Count orders by shop and by whole minutes from creation to the first attempt.

    Orders whose first attempt lies before their creation count under -1.
    """
    dated = orders.exclude(order_created_at=None).exclude(first_at=None).order_by()
    sql, params = written_sql(dated.values_list("shop", "order_created_at", "first_at"))
    found = fetched(_LAGS[connection.vendor].format(rows=sql), params) if sql else []
    counts: dict[int, dict[int, int]] = {}
    for shop, minutes, n in found:
        counts.setdefault(shop, {})[minutes] = n
    return counts


def percentile(counts: dict[int, int], per_cent: int) -> int | None:
    """Return a percentile of counted values by nearest rank; None without values."""
    rank = -(-sum(counts.values()) * per_cent // 100)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return None


def earliest(orders: FailedOrderQuerySet, which: str) -> datetime | None:
    """Return the earliest date of these orders; ``which`` is a key of DATES."""
    column = DATES[which]
    dated = orders.exclude(**{column: None}).order_by(column)
    return dated.values_list(column, flat=True).first()


def latest(orders: FailedOrderQuerySet, which: str) -> datetime | None:
    """Return the latest date of these orders; ``which`` is a key of DATES."""
    column = DATES[which]
    dated = orders.exclude(**{column: None}).order_by(f"-{column}")
    return dated.values_list(column, flat=True).first()
