"""Which orders are to be looked up in the OMS order index, and when again (LEDGER.md §4)."""

from datetime import datetime, timedelta

from django.db.models import Q

from reconciler.ledger.models import FailedOrder
from reconciler.ledger.queries import (
    CLOCK_TOLERANCE,
    FailedOrderQuerySet,
    failed_orders,
    is_open,
)
from reconciler.ledger.work.packs import due_of_packs

#: An open order of at most this age is looked up as often; an older one no more.
SCHEDULE = (
    (timedelta(days=1), timedelta(minutes=15)),
    (timedelta(days=7), timedelta(hours=1)),
    (timedelta(days=60), timedelta(days=1)),
    (timedelta(days=180), timedelta(days=7)),
)


def interval_of(order: FailedOrder, now: datetime) -> timedelta | None:
    """Return the time between two look-ups of an order by its age; None if it is too old."""
    if order.first_at is None:
        return SCHEDULE[2][1]
    age = now - order.first_at
    return next((every for limit, every in SCHEDULE if age <= limit), None)


def due_orders(now: datetime) -> list[FailedOrderQuerySet]:
    """Return the orders that are due: those that must not wait, those of packs, the rest.

    Each newest first. An order without a name cannot be asked for.
    """
    named = failed_orders().askable()
    first = named.filter(asks_first=True)
    rest = named.filter(is_open(now), _is_due(now), asks_first=False)
    return [
        first.sorted_by("-failed"),
        due_of_packs(now).askable().sorted_by("-failed"),
        rest.sorted_by("-failed"),
    ]


def _is_due(now: datetime) -> Q:
    oldest = now - SCHEDULE[-1][0]
    never = Q(verdict_at=None) | Q(verdict_at__gt=now + CLOCK_TOLERANCE)
    condition = never & (Q(first_at__gt=oldest) | Q(first_at=None))
    for age, every in SCHEDULE:
        condition |= Q(first_at__gt=now - age, verdict_at__lte=now - every)
    return condition | Q(first_at=None, verdict_at__lte=now - SCHEDULE[2][1])
