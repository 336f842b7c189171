"""Places in a sorted list: the orders around one order, and the orders after a cursor."""

from dataclasses import dataclass

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
    light = orders.only("order_name", "latest_document_key")
    ahead = orders.filter(before).order_by().values("pk")[:LAST_PLACE].count()
    return Neighbours(
        previous=light.filter(before).sorted_by(sort).reverse().first(),
        next=light.filter(after).sorted_by(sort).first(),
        place=ahead + 1 if orders.filter(pk=order.pk).exists() else None,
        total=cached(revision, "orders", orders.order_by(), (), orders.count),
    )


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
    return orders.filter(_either_side(sort, value, pk)[1])


def _either_side(sort: str, value: object, pk: int) -> tuple[Q, Q]:
    """Return the conditions of the rows before and after a place."""
    column, descending = SORTS[sort.removeprefix("-")], sort.startswith("-")
    smaller, larger = Q(pk__lt=pk), Q(pk__gt=pk)
    before_tie, after_tie = (larger, smaller) if descending else (smaller, larger)
    null = Q(**{f"{column}__isnull": True})
    if value is None:  # nulls are last in both directions
        return ~null | (null & before_tie), null & after_tie
    same = Q(**{column: value})
    less, more = Q(**{f"{column}__lt": value}), Q(**{f"{column}__gt": value})
    first, last = (more, less) if descending else (less, more)
    return first | (same & before_tie), last | null | (same & after_tie)
