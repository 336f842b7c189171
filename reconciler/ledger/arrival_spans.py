"""Spans of the time from an order's first failure to the answer that it is in the OMS.

Only an order that was known to be missing before has such a time (`arrived_at`).
"""

from bisect import bisect_right
from datetime import timedelta
from itertools import pairwise

from django.db.models import F, Q

#: The spans by name, in order; each ends before this time. The last one has no end.
ARRIVAL_SPANS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "24h": timedelta(hours=24),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "later": timedelta.max,
}
_ENDS = [end // timedelta(minutes=1) for end in ARRIVAL_SPANS.values()][:-1]


def span_of(minutes: int) -> str:
    """Return the name of the span of so many whole minutes."""
    return list(ARRIVAL_SPANS)[bisect_right(_ENDS, minutes)]


def arrived_within(span: str) -> Q:
    """Return the condition of orders that arrived in this span after their first failure."""
    starts = dict(pairwise(reversed(ARRIVAL_SPANS)))
    condition = Q(arrived_at__isnull=False, first_failed_at__isnull=False)
    if span in starts:
        condition &= Q(arrived_at__gte=F("first_failed_at") + ARRIVAL_SPANS[starts[span]])
    if ARRIVAL_SPANS[span] != timedelta.max:
        condition &= Q(arrived_at__lt=F("first_failed_at") + ARRIVAL_SPANS[span])
    return condition
