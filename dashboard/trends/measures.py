"""What trends count: orders, or attempts; and the lists that the counts lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.urls import reverse

from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.periods import Bounds, begin_of
from dashboard.wording import local
from reconciler import service
from reconciler.service import Freshness

#: Name and value of the query string -> the list with it; "" where there is none.
Link = Callable[[str, str], str]


@dataclass(frozen=True)
class Measure:
    """What is counted: query sets for this period, the previous one and all time.

    ``column`` is the column of the date, ``prefix`` the path from a row to its order.
    """

    now: Any
    before: Any
    #: For counts between edges. With bounds besides the edges SQLite chooses a slower plan.
    ever: Any
    column: str
    prefix: str = ""

    @property
    def shop(self) -> str:
        """Return the path from a row to its shop."""
        return f"{self.prefix}shop"


def measure_of(asked: OrderFilter, fresh: Freshness, before: Bounds | None) -> Measure:
    """Return orders by the page's date, or attempts by when they were logged."""
    measure = _attempts if asked.counts_attempts else _orders
    return measure(asked, fresh, before)


def _orders(asked: OrderFilter, fresh: Freshness, before: Bounds | None) -> Measure:
    matching = asked.matching(fresh.now, "dates")

    def within(bounds: Bounds) -> Any:
        return asked.within(matching, bounds)

    earlier = within(before) if before else None
    column = service.DATES[asked.dated_by]
    return Measure(asked.matching(fresh.now), earlier, within(Bounds()), column)


def _attempts(asked: OrderFilter, fresh: Freshness, before: Bounds | None) -> Measure:
    # The error of an attempt is not that of its order's latest attempt.
    own = [row for row in asked.query.parameters if row.narrows_attempts]
    orders = asked.matching(fresh.now, "dates", *(row.name for row in own))
    attempts = asked.narrowed(service.attempts_of(orders), own)
    if at := asked["at"]:
        attempts = attempts.in_hour(*at)

    def within(bounds: Bounds) -> Any:
        return attempts.logged_between(bounds.start, bounds.end)

    earlier = within(before) if before else None
    now = within(asked.bounds(fresh.now))
    return Measure(now, earlier, within(Bounds()), "logged_at", "order__")


def of_before(asked: OrderFilter, before: Bounds | None) -> Link:
    """Return a function that links to the orders of the period before with one more value.

    It returns "" where attempts are counted, and where the period does not consist of days.
    """
    if before is None or before.start is None or before.end is None:
        return _no_list
    first, last = local(before.start), local(before.end - timedelta.resolution)
    if asked.counts_attempts or begin_of(first.date()) != before.start:
        return _no_list
    days = asked.query.of_orders().without("period").with_("from", first.date().isoformat())
    path = reverse("dashboard:orders")
    return lambda name, value: (
        days.with_("to", last.date().isoformat()).with_(name, value).url(path)
    )


def _no_list(_name: str, _value: str) -> str:
    return ""


def linker(asked: OrderFilter) -> Link:
    """Return a function that links to the orders with one more value.

    It returns "" where attempts are counted: they have no list.
    """
    path, query = reverse("dashboard:orders"), asked.query.of_orders()
    adding = cache(query.adding)

    def link(name: str, value: str) -> str:
        if asked.counts_attempts:
            return ""
        if not name:
            return query.url(path)
        # What the query does not hold yet is added to what is encoded once.
        is_set = query.values(name) or query.parameters.by_name[name].default
        return query.with_(name, value).url(path) if is_set else f"{path}?{adding(name)(value)}"

    return link
