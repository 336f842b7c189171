"""The rows of /errors/, and the period that their labels tell of."""

from datetime import timedelta
from functools import partial

from django.http import Http404

from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import Bounds
from reconciler import service
from reconciler.service import Freshness

#: Without a period, labels tell of the last days.
RECENT = timedelta(days=7)


def label_bounds(asked: OrderFilter, fresh: Freshness) -> Bounds:
    """Return the period that labels tell of."""
    bounds = asked.bounds(fresh.now)
    if bounds.start is not None:
        return bounds
    try:
        return Bounds((bounds.end or fresh.now) - RECENT, bounds.end)
    except OverflowError:  # before the first week of the calendar
        return bounds


def rows_of(asked: OrderFilter, fresh: Freshness) -> list[service.ErrorRow]:
    """Count the orders that match by signature."""
    bounds, label = label_bounds(asked, fresh), asked["label"]
    numbers = numbers_of(asked.matching(fresh.now), fresh)
    rows = service.error_rows(numbers, bounds.start, bounds.end)
    return [row for row in rows if label in ("", row.label)]


def numbers_of(
    orders: service.FailedOrderQuerySet, fresh: Freshness
) -> dict[int, tuple[int, int, int, int]]:
    """Count orders by signature, once a revision of the ledger."""
    count = partial(service.error_numbers, orders)
    return service.cached(fresh.revision, "error numbers", orders.order_by(), (), count)


def labelled(
    asked: OrderFilter, fresh: Freshness, orders: service.FailedOrderQuerySet
) -> service.FailedOrderQuerySet:
    """Keep the orders of the signatures that have the label asked for."""
    if not (label := asked["label"]):
        return orders
    bounds = label_bounds(asked, fresh)
    rows = service.error_rows(numbers_of(orders, fresh), bounds.start, bounds.end)
    return orders.of_errors([row.signature.slug for row in rows if row.label == label])


def signature_or_404(slug: str) -> service.ErrorSignature:
    """Return the signature of a slug, or of one that it had under earlier rules."""
    signature = service.error_named(slug)
    if signature is None:
        raise Http404("There is no such error.")
    return signature
