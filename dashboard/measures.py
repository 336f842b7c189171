"""What trends count: orders, or attempts; and the lists that the counts lead to."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from dashboard.filters import TrendFilters
from dashboard.periods import Bounds
from reconciler import service

#: Name and value of the query string -> the list with it; "" where there is none.
Link = Callable[[str, str], str]


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
    if not filters.of_attempts:
        matching = filters.matching("dates")
        earlier = filters.within(matching, before) if before else None
        column = service.DATES[filters.date_value]
        now, ever = (filters.within(matching, bounds) for bounds in (filters.bounds, Bounds()))
        return Measure(now, earlier, ever, column, "shop")
    kinds = ("error", "category", "retry")
    chosen = {
        name: (filters.cleaned[name].include, filters.cleaned[name].exclude) for name in kinds
    }
    orders = filters.matching("dates", *kinds)

    def within(bounds: Bounds) -> Any:
        attempts = service.attempts_of(orders, chosen, bounds.start, bounds.end)
        return attempts.in_hour(*filters.cleaned["at"]) if filters.cleaned["at"] else attempts

    earlier = within(before) if before else None
    now, ever = within(filters.bounds), within(Bounds())
    return Measure(now, earlier, ever, "logged_at", "order__shop")


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
