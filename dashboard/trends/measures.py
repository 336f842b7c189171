"""What trends count: orders, or attempts; and the lists that the counts lead to."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from dashboard.filtering.forms import TrendFilters
from dashboard.filtering.periods import Bounds
from reconciler import service

#: Name and value of the query string -> the list with it; "" where there is none.
Link = Callable[[str, str], str]
#: What an attempt has of its own: its signature is not that of the order's latest error.
OF_SIGNATURES = ("error", "category", "retry")


@dataclass(frozen=True)
class Measure:
    """What is counted: rows now, before and ever, their moment's column, the path to the shop."""

    now: Any
    before: Any
    #: For counts between edges, which bound them already: two bounds mislead SQLite.
    ever: Any
    column: str
    shop: str


def measure_of(filters: TrendFilters, before: Bounds | None) -> Measure:
    """Take orders by the page's date, or attempts by when they were logged."""
    if filters.of_attempts:
        orders = filters.matching("dates", *OF_SIGNATURES)
        attempts = filters.with_values(service.attempts_of(orders), OF_SIGNATURES)
        if at := filters.cleaned["at"]:
            attempts = attempts.in_hour(*at)
        column, shop = "logged_at", "order__shop"

        def within(bounds: Bounds) -> Any:
            return attempts.logged_between(bounds.start, bounds.end)

    else:
        matching = filters.matching("dates")
        column, shop = service.DATES[filters.date_value], "shop"

        def within(bounds: Bounds) -> Any:
            return filters.within(matching, bounds)

    earlier = within(before) if before else None
    return Measure(within(filters.bounds), earlier, within(Bounds()), column, shop)


def linker(filters: TrendFilters) -> Link:
    """Link to the orders with one more value; "" where attempts are counted."""
    path, query = reverse("dashboard:orders"), filters.orders_query

    def link(name: str, value: str) -> str:
        if filters.of_attempts:
            return ""
        return (query.with_(name, value) if name else query).url(path)

    return link


def names_of(shops: dict[str, set[int]]) -> dict[int, list[str]]:
    """Turn shops by name into names by shop."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, keys in shops.items():
        for key in keys:
            names[key].append(name)
    return names
