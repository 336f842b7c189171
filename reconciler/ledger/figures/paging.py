"""Places in a sorted list: the orders around one order, and the orders after a cursor."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import F, Q

from reconciler.ledger.figures.cache import cached
from reconciler.ledger.models import FailedOrder
from reconciler.ledger.queries import SORTS, FailedOrderQuerySet


@dataclass(frozen=True)
class Neighbours:
    """Where an order stands in a list.

    ``place`` counts from 1 to LAST_PLACE + 1, which stands for any later one; it is None if the
    order left the list.
    """

    previous: FailedOrder | None
    next: FailedOrder | None
    place: int | None
    total: int


#: Later places in a list are not counted: nobody asks whether it is the 1,200th or the 1,201st.
LAST_PLACE = 1000


def neighbours(
    orders: FailedOrderQuerySet, order: FailedOrder, sort: str, revision: int
) -> Neighbours:
    """Return the orders before and after one in a sorted list, even if it left the list."""
    before, after = _either_side(sort, sorted_value(order.pk, sort), order.pk)
    light = orders.only("order_name", "latest_document_key").sorted_by(sort)
    ahead = orders.filter(reduce(or_, before)).order_by().values("pk")[:LAST_PLACE].count()
    return Neighbours(
        previous=_first(light.reverse(), before),
        next=_first(light, after),
        place=ahead + 1 if orders.filter(pk=order.pk).exists() else None,
        total=cached(revision, "orders", orders, (), orders.count),
    )


def _first(orders: FailedOrderQuerySet, conditions: list[Q]) -> FailedOrder | None:
    """Return the first order that meets the first condition that any meets."""
    found = (orders.filter(condition).first() for condition in conditions)
    return next((order for order in found if order is not None), None)


def sorted_value(pk: int, sort: str) -> object:
    """Return the value by which an order is sorted."""
    column = SORTS[sort.removeprefix("-")]
    return FailedOrder.objects.values_list(column, flat=True).get(pk=pk)


def with_sorted_value(orders: FailedOrderQuerySet, sort: str) -> FailedOrderQuerySet:
    """Load with each order, as ``sorted_value``, the value by which it is sorted."""
    return orders.annotate(sorted_value=F(SORTS[sort.removeprefix("-")]))


def following(
    orders: FailedOrderQuerySet, sort: str, value: object, pk: int
) -> FailedOrderQuerySet:
    """Keep the orders that come after a place in a sorted list.

    The place is the value and primary key that an order had there; it may have moved since.
    """
    return orders.filter(reduce(or_, _either_side(sort, value, pk)[1]))


def _either_side(sort: str, value: object, pk: int) -> tuple[list[Q], list[Q]]:
    """Return the conditions of the rows before and after a place, those of nearer rows first.

    Each condition bounds the column by itself, so that an index leads straight to the place.
    """
    column, descending = SORTS[sort.removeprefix("-")], sort.startswith("-")
    smaller, larger = Q(pk__lt=pk), Q(pk__gt=pk)
    before_tie, after_tie = (larger, smaller) if descending else (smaller, larger)
    null = Q(**{f"{column}__isnull": True})
    if value is None:  # nulls are last in both directions
        return [null & before_tie, ~null], [null & after_tie]
    less = Q(**{f"{column}__lte": value}) & (Q(**{f"{column}__lt": value}) | smaller)
    more = Q(**{f"{column}__gte": value}) & (Q(**{f"{column}__gt": value}) | larger)
    first, last = (more, less) if descending else (less, more)
    return [first], [last, null]
