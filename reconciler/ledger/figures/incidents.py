"""Incidents: hours in which an error had many more orders than usual (LEDGER.md §5).

Orders count by their first attempt, in hours of UTC. An hour without orders counts as 0.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Any

from django.db import connection

from reconciler.ledger.models import ErrorSignature
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.statements import fetched, written_sql

HOUR = timedelta(hours=1)
#: An hour is high with so many orders, and so many times the mean of the hours before.
FEWEST, TIMES = 5, 5
#: The hours before: so many days, of which so many must have been seen.
BEFORE, SEEN = timedelta(days=28), timedelta(days=7)
#: High hours so far apart are of one incident; it lasts so long after the last one has ended.
APART, LASTS = 2 * HOUR, 2 * HOUR

#: An incident that reaches over the ends of what is asked for is followed for so long.
REACH = timedelta(days=7)

#: Hour (its beginning) -> orders.
Hours = Mapping[datetime, int]
_HOURS = {
    "sqlite": """
WITH matching(signature, moment) AS ({rows})
SELECT signature, substr(moment, 1, 13) AS hour, count(*) FROM matching GROUP BY 1, 2
""",
    "postgresql": """
WITH matching(signature, moment) AS ({rows})
SELECT signature, to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') AS hour, count(*)
FROM matching GROUP BY 1, 2
""",
}


@dataclass(frozen=True)
class Incident:
    """Many orders of one error in a short time."""

    signature: ErrorSignature
    #: First attempts of its first and of its last order.
    start: datetime
    last: datetime
    #: It is not over yet.
    lasts: bool
    orders: int
    #: Primary keys of the shops with an order in it.
    shops: frozenset[int]

    @property
    def end(self) -> datetime | None:
        """Return when it ended; None while it lasts."""
        return None if self.lasts else self.last


def incidents(
    start: datetime, end: datetime, now: datetime, seen_since: datetime, only: int | None = None
) -> list[Incident]:
    """Return the incidents that overlap [start, end): those that last, then the latest.

    ``seen_since`` is from when on the ledger knows of every order; ``only`` is the primary key of
    a signature, if no other is of interest.
    """
    from_ = start - REACH
    by_hour = _orders_by_hour(from_ - BEFORE, min(end + REACH, now), only)
    found = [
        (signature, first, last)
        for signature, hours in by_hour.items()
        for first, last in high_spans(hours, from_, seen_since)
    ]
    signatures = ErrorSignature.objects.in_bulk({signature for signature, _, _ in found})
    rows = (_incident(signatures.get(key), first, last, now) for key, first, last in found)
    overlapping = [row for row in rows if row and row.last >= start and row.start < end]
    return sorted(
        overlapping, key=lambda row: (row.lasts, row.start, row.signature.pk), reverse=True
    )


def high_spans(
    hours: Hours, start: datetime, seen_since: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the first and last high hour of each incident, by an error's orders per hour.

    Judges the hours from ``start`` on; what they are compared with begins earlier.
    """
    moments = sorted(hours)
    sums = [0, *accumulate(hours[moment] for moment in moments)]
    spans: list[tuple[datetime, datetime]] = []
    for place, hour in enumerate(moments):
        if hour < start or hours[hour] < FEWEST:
            continue
        known = hour - max(hour - BEFORE, seen_since)
        if known < SEEN:
            continue
        earlier = sums[place] - sums[bisect_left(moments, hour - known)]
        if hours[hour] * (known / HOUR) < TIMES * earlier:
            continue
        if spans and hour - spans[-1][1] <= APART:
            spans[-1] = (spans[-1][0], hour)
        else:
            spans.append((hour, hour))
    return spans


def _orders_by_hour(
    start: datetime, end: datetime, only: int | None
) -> dict[int, dict[datetime, int]]:
    """Count orders by the primary key of their signature and by hour."""
    rows = failed_orders().filter(first_at__gte=start, first_at__lte=end).order_by()
    if only is not None:
        rows = rows.filter(signature=only)
    sql, params = written_sql(rows.values_list("signature", "first_at"))
    counts: dict[int, dict[datetime, int]] = defaultdict(dict)
    found: Iterable[tuple[Any, ...]] = fetched(_HOURS[connection.vendor].format(rows=sql), params)
    # Signatures have most hours in common.
    moment = cache(lambda hour: datetime.fromisoformat(f"{hour}:00+00:00"))
    for signature, hour, n in found:
        counts[signature][moment(hour)] = n
    return counts


def _incident(
    signature: ErrorSignature | None, first: datetime, last: datetime, now: datetime
) -> Incident | None:
    """Read an incident by its high hours; None if its orders have another error by now."""
    if signature is None:
        return None
    orders = failed_orders().with_signature(signature).order_by("first_at")
    within = orders.filter(first_at__gte=first, first_at__lt=last + HOUR, first_at__lte=now)
    rows: list[Any] = list(within.values_list("first_at", "shop"))
    if not rows:
        return None
    shops = frozenset(shop for _, shop in rows)
    lasts = now < last + HOUR + LASTS
    return Incident(signature, rows[0][0], rows[-1][0], lasts, len(rows), shops)
