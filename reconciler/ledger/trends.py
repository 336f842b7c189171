"""Figures over time. An order is counted once, under its latest error (LEDGER.md §5).

Moments bound what is counted; which moments begin a day in whose zone is the caller's to say.
"""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import OuterRef, Subquery

from reconciler.ledger.models import DATES, Attempt, ErrorSignature, FailedOrderQuerySet

#: SQLite takes the left side of a CROSS JOIN first: one search of the index per span.
_SQLITE = """
WITH span(number, low, high) AS (VALUES {spans}), matching(moment, signature) AS ({orders})
SELECT span.number, matching.signature, count(*) FROM span CROSS JOIN matching
WHERE matching.moment >= span.low AND matching.moment < span.high GROUP BY 1, 2
"""
_POSTGRESQL = """
WITH matching(moment, signature) AS ({orders})
SELECT width_bucket(moment, %s::timestamptz[]) - 1, signature, count(*) FROM matching
WHERE moment >= %s AND moment < %s GROUP BY 1, 2
"""


def counts_between(
    orders: FailedOrderQuerySet, which: str, edges: Sequence[datetime]
) -> dict[tuple[int, int], int]:
    """Count orders by span and signature; span i begins at edge i and ends before edge i + 1.

    ``which`` is one of DATES. Edges ascend. What lies outside of them is not counted.
    """
    rows = orders.order_by().values_list(DATES[which], "signature")
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
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
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {(span, signature): n for span, signature, n in cursor.fetchall()}


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


def new_signatures(
    orders: FailedOrderQuerySet, start: datetime | None, end: datetime | None
) -> int:
    """Count the orders' signatures whose earliest log timestamp, ever, lies in [start, end)."""
    logged = Attempt.objects.filter(signature=OuterRef("pk")).exclude(logged_at=None)
    first = Subquery(logged.order_by("logged_at").values("logged_at")[:1])
    rows = ErrorSignature.objects.filter(pk__in=orders.order_by().values("signature"))
    rows = rows.annotate(first_seen_at=first).exclude(first_seen_at=None)
    if start is not None:
        rows = rows.filter(first_seen_at__gte=start)
    if end is not None:
        rows = rows.filter(first_seen_at__lt=end)
    return rows.count()
