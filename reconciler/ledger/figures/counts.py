"""Figures over time. An order is counted once, under its latest error (LEDGER.md §5).

Moments bound what is counted; which moments begin a day in whose zone is the caller's to say.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, QuerySet

from reconciler.ledger.models import DATES, Attempt, FailedOrderQuerySet

Rows = QuerySet[Any]

#: SQLite takes the left side of a CROSS JOIN first: one search of the index per span.
_SQLITE = """
WITH span(number, low, high) AS (VALUES {spans}), matching(moment, kind) AS ({orders})
SELECT span.number, matching.kind, count(*) FROM span CROSS JOIN matching
WHERE matching.moment >= span.low AND matching.moment < span.high GROUP BY 1, 2
"""
_POSTGRESQL = """
WITH matching(moment, kind) AS ({orders})
SELECT width_bucket(moment, %s::timestamptz[]) - 1, kind, count(*) FROM matching
WHERE moment >= %s AND moment < %s GROUP BY 1, 2
"""


def counts_between(
    rows: Rows, column: str, edges: Sequence[datetime], kind: str = "signature"
) -> dict[tuple[int, int], int]:
    """Count rows by span and kind; span i begins at edge i and ends before edge i + 1.

    ``column`` holds the moment, ``kind`` what is told apart. Edges ascend; what lies outside of
    them is not counted.
    """
    sql, params = _written(rows.order_by().values_list(column, kind))
    if not sql:
        return {}
    if connection.vendor == "postgresql":
        statement = _POSTGRESQL.format(orders=sql)
        values = [*params, list(edges), edges[0], edges[-1]]
    else:
        written = [connection.ops.adapt_datetimefield_value(edge) for edge in edges]
        spans = ", ".join(["(%s, %s, %s)"] * (len(edges) - 1))
        statement = _SQLITE.format(spans=spans, orders=sql)
        bounds = zip(range(len(edges)), written, written[1:], strict=False)
        values = [value for bound in bounds for value in bound] + list(params)
    return {(span, found): n for span, found, n in _fetched(statement, values)}


def _written(rows: Rows) -> tuple[str, Sequence[Any]]:
    """Write rows as SQL; "" where nothing can match."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return "", ()
    return sql, params


def _fetched(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def totals(rows: Rows, shop: str = "shop") -> dict[tuple[int, int], int]:
    """Count rows by signature and shop; ``shop`` is the path to the shop."""
    counted = rows.order_by().values_list("signature", shop).annotate(n=Count("pk"))
    return {(signature, shop_id): n for signature, shop_id, n in counted}


#: Quarters of an hour: every zone's hours are made of them.
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
    """Count rows per quarter of an hour (its beginning, in UTC)."""
    sql, params = _written(rows.order_by().values_list(column))
    found = _fetched(_QUARTERS[connection.vendor].format(rows=sql), params) if sql else []
    counts: dict[datetime, int] = defaultdict(int)
    for hour, quarter, n in found:
        begin = datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)
        counts[begin + quarter * QUARTER] += n
    return counts


#: Whole minutes from creation to the first attempt, rounded down, by milliseconds.
_LAGS = {
    "sqlite": """
WITH matching(shop, created, tried) AS ({rows}), lag(shop, ms) AS (
  SELECT shop, (CAST(strftime('%%s', tried) AS INTEGER) - strftime('%%s', created)) * 1000
    + substr(tried || '.000', 21, 3) - substr(created || '.000', 21, 3) FROM matching)
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
    """Count orders per shop and whole minutes from creation to first attempt; -1: before it."""
    dated = orders.exclude(order_created_at=None).exclude(first_at=None).order_by()
    sql, params = _written(dated.values_list("shop", "order_created_at", "first_at"))
    found = _fetched(_LAGS[connection.vendor].format(rows=sql), params) if sql else []
    counts: dict[int, dict[int, int]] = {}
    for shop, minutes, n in found:
        counts.setdefault(shop, {})[minutes] = n
    return counts


def percentile(counts: dict[int, int], per_cent: int) -> int | None:
    """Find a percentile of counted values by nearest rank; None of nothing."""
    rank = -(-sum(counts.values()) * per_cent // 100)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return None


#: A shorter silence is nothing to speak of.
SHORT_SILENCE = timedelta(hours=1)


def silence(now: datetime) -> tuple[datetime, timedelta | None] | None:
    """Say when the log last held something new, and a pause before that was longer than this.

    None without any document; no pause where none was longer, or for a short silence. Goes back
    in steps as long as the silence: what lies within one step cannot hold a longer pause.
    """
    moments = Attempt.objects.exclude(logged_at=None).values_list("logged_at", flat=True)
    last = moments.filter(logged_at__lte=now).order_by("-logged_at").first()
    if last is None or now - last < SHORT_SILENCE:
        return None if last is None else (last, None)
    here: datetime = last
    while True:
        within = moments.filter(logged_at__gte=here - (now - last)).order_by("logged_at").first()
        if within is not None and within < here:
            here = within
            continue
        before = moments.filter(logged_at__lt=here).order_by("-logged_at").first()
        return last, None if before is None else here - before


def earliest(orders: FailedOrderQuerySet, which: str) -> datetime | None:
    """Find the earliest of a date among orders."""
    column = DATES[which]
    dated = orders.exclude(**{column: None}).order_by(column)
    return dated.values_list(column, flat=True).first()


def latest(orders: FailedOrderQuerySet, which: str) -> datetime | None:
    """Find the latest of a date among orders."""
    column = DATES[which]
    dated = orders.exclude(**{column: None}).order_by(f"-{column}")
    return dated.values_list(column, flat=True).first()
