"""The rows of /errors/, and the period that their labels tell of."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.http import Http404
from django.utils import timezone

from dashboard.charts.headline import comparable
from dashboard.charts.stacked import is_unseen
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import ERROR_SORT_NAMES
from dashboard.filtering.periods import Bounds, before_period, bounds_of_period
from dashboard.tables import ErrorsTable
from reconciler import service
from reconciler.service import Freshness

#: Without a period, labels tell of the last days: as many as this period has.
RECENT_PERIOD, RECENT = "7d", timedelta(days=7)


def label_bounds(asked: OrderFilter, fresh: Freshness) -> Bounds:
    """Return the period that labels tell of."""
    bounds = asked.bounds(fresh.now)
    if bounds.start is not None:
        return bounds
    if bounds.end is None:
        return bounds_of_period(RECENT_PERIOD, fresh.now)
    try:
        return Bounds(bounds.end - RECENT, bounds.end)
    except OverflowError:  # before the first week of the calendar
        return bounds


def rows_of(asked: OrderFilter, fresh: Freshness) -> list[service.ErrorRow]:
    """Count the orders that match by signature."""
    numbers, label = numbers_of(asked.matching(fresh.now), fresh), asked["label"]
    rows = service.error_rows(numbers, dates_of(asked, fresh), changes_of(asked, fresh))
    return [row for row in rows if label in ("", row.label)]


def changes_of(asked: OrderFilter, fresh: Freshness) -> service.Changes:
    """Count the orders that match by error in the period that labels tell of, and before it."""
    bounds, before = label_bounds(asked, fresh), _before(asked, fresh)
    matching = asked.matching(fresh.now, "dates")

    def counted(bounds: Bounds) -> dict[int, int]:
        orders = asked.within(matching, bounds).order_by()
        count = partial(service.orders_by_signature, orders)
        return service.cached(fresh.revision, "by error", orders, (), count)

    minute = f"{fresh.now:%Y-%m-%d %H:%M}"
    find = partial(service.quiet_signatures, fresh.now)
    everything = service.failed_orders().order_by()
    quiet = service.cached(fresh.revision, "quiet", everything, minute, find)
    if before is None:
        return service.Changes(quiet=quiet)
    return service.Changes(counted(bounds), counted(before), quiet)


def _before(asked: OrderFilter, fresh: Freshness) -> Bounds | None:
    """Return the period before the one that labels tell of; None if they cannot be compared."""
    if any(asked.days) or asked["period"] != "all":
        return comparable(asked, fresh)
    before = before_period(RECENT_PERIOD, fresh.now)
    if before is None or before.start is None or asked.dated_by == "expires":
        return None
    return None if is_unseen(asked, fresh, before.start, fresh.now) else before


def dates_of(asked: OrderFilter, fresh: Freshness) -> dict[int, service.SeenDates]:
    """Return the dates of every signature, with regard to the period that labels tell of."""
    bounds = label_bounds(asked, fresh)
    return service.dates_of_signatures(bounds.start, bounds.end, fresh.revision)


def numbers_of(orders: service.FailedOrderQuerySet, fresh: Freshness) -> dict[int, service.Numbers]:
    """Count orders by signature, once a revision of the ledger."""
    count = partial(service.error_numbers, orders, fresh.now)
    today = timezone.localtime(fresh.now).date()
    return service.cached(fresh.revision, "numbers by error", orders, today, count)


@dataclass(frozen=True)
class ErrorsAround:
    """Where an error stands in the list one came from, from 1 on, and those beside it."""

    place: int
    total: int
    sort: str
    previous: service.ErrorSignature | None
    next: service.ErrorSignature | None


def errors_around(
    signature: service.ErrorSignature, asked: OrderFilter, fresh: Freshness
) -> ErrorsAround | None:
    """Return where a signature stands in a list; None if it is not there."""
    rows = ErrorsTable.of(rows_of(asked, fresh), asked.sort).all_records
    found = [row.signature for row in rows]
    if signature not in found:
        return None
    index = found.index(signature)
    before, after = found[max(index - 1, 0) : index], found[index + 1 : index + 2]
    return ErrorsAround(
        index + 1,
        len(found),
        ERROR_SORT_NAMES.get(asked.sort, "sorted"),
        before[0] if before else None,
        after[0] if after else None,
    )


#: So many orders must have been asked for before they speak against an advice, and so large a part
#: of them must have arrived, or not.
ENOUGH, MANY = 10, 0.5


@dataclass(frozen=True)
class Arrivals:
    """What part of an error's orders arrived after all, of those that the OMS was asked for."""

    #: The share that arrived, in per cent; None where nothing was asked.
    per_cent: int | None
    #: The same in words, where it speaks against the error's retry advice; else empty.
    against: str
    #: How many arrived, of how many, in words.
    of_asked: str


def arrivals_of(row: service.ErrorRow) -> Arrivals:
    """Return what arrived of an error's orders."""
    asked, arrived, advice = row.asked, row.arrived, row.signature.retry
    per_cent, against = round(100 * arrived / asked) if asked else None, ""
    if asked >= ENOUGH:
        many = arrived >= MANY * asked
        if advice == service.Retry.YES and not many:
            against = f"only {per_cent} % arrived"
        elif advice == service.Retry.NO and many:
            against = f"{per_cent} % arrived anyway"
    return Arrivals(per_cent, against, f"{arrived:,} of {asked:,} asked about")


def labelled(
    asked: OrderFilter, fresh: Freshness, orders: service.FailedOrderQuerySet
) -> service.FailedOrderQuerySet:
    """Keep the orders of the signatures that have the label asked for."""
    if not (label := asked["label"]):
        return orders
    dates, changes = dates_of(asked, fresh), changes_of(asked, fresh)
    rows = service.error_rows(numbers_of(orders, fresh), dates, changes)
    return orders.of_errors([row.signature.slug for row in rows if row.label == label])


def signature_or_404(slug: str) -> service.ErrorSignature:
    """Return the signature of a slug, or of one that it had under earlier rules."""
    signature = service.error_named(slug)
    if signature is None:
        raise Http404("There is no such error.")
    return signature
