"""What a query string asks for, as a value that is handed down: which orders, in which order."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from dashboard.filtering.fields import Values
from dashboard.filtering.parameter import Parameter
from dashboard.filtering.periods import (
    Bounds,
    before_days,
    before_period,
    begin_of,
    bounds_of_days,
    bounds_of_period,
)
from dashboard.filtering.query import Query
from reconciler import service
from reconciler.service import FailedOrderQuerySet


@dataclass(frozen=True)
class OrderFilter:
    """A query string that was read. Carries neither clock nor database.

    ``query`` is what was written, ``values`` what it means: by name, with defaults filled in.
    """

    query: Query
    values: Mapping[str, Any]
    #: User name of whoever looks: what `me` and the view `mine` mean.
    me: str = ""
    #: What `matching` returned before: `cached` keeps the SQL of a query set with it.
    _made: dict[Any, FailedOrderQuerySet] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def view(self) -> str:
        """Return the view."""
        return str(self["view"])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the order names asked for, in the order typed."""
        return (*self["order"], *self.values.get("pasted", ()))

    @property
    def dated_by(self) -> str:
        """Return which date of an order period, from, to and at mean."""
        return str(self["date"])

    @property
    def sort(self) -> str:
        """Return the sort, `-` reverses."""
        return str(self["sort"])

    @property
    def per_page(self) -> int:
        """Return how many rows a page has."""
        return int(self["per_page"])

    @property
    def days(self) -> tuple[date | None, date | None]:
        """Return the first and the last day; they beat the period."""
        return self["from"], self["to"]

    @property
    def depends_on_now(self) -> bool:
        """Return True if which orders match may change from one second to the next."""
        rolling = self["period"] == "24h" and not any(self.days)
        return rolling or self.view in ("expiring", "failing") or self.dated_by == "expires"

    @property
    def depends_on_me(self) -> bool:
        """Return True if which orders match depends on who looks."""
        owners = self["assignee"]
        return self.view == "mine" or "me" in (*owners.include, *owners.exclude)

    @property
    def counts_attempts(self) -> bool:
        """Return True if /trends/ counts attempts instead of orders."""
        return self.values.get("count") == "attempts"

    def bounds(self, now: datetime) -> Bounds:
        """Return the moments that period, from and to bound."""
        if any(self.days):
            return bounds_of_days(*self.days)
        return bounds_of_period(self["period"], now, forward=self.dated_by == "expires")

    def bounds_so_far(self, now: datetime) -> Bounds:
        """Return the bounds, without the days of this week that are still to come.

        Days given as from and to, and days on which orders expire, may lie ahead.
        """
        bounds = self.bounds(now)
        if bounds.end is None or any(self.days) or self.dated_by == "expires":
            return bounds
        tomorrow = begin_of(timezone.localtime(now).date() + timedelta(days=1))
        return replace(bounds, end=min(bounds.end, tomorrow or bounds.end))

    def before(self, now: datetime) -> Bounds | None:
        """Return the equally long period before; None if there is none."""
        first, last = self.days
        if first or last:
            return before_days(first, last or timezone.localtime(now).date())
        return before_period(self["period"], now, forward=self.dated_by == "expires")

    def matching(self, now: datetime, *without: str) -> FailedOrderQuerySet:
        """Return the orders that match, unsorted.

        Leaves out the parameters named in ``without``; `dates` names all that concern dates.
        """
        key = (now, frozenset(without))
        if key not in self._made:
            self._made[key] = self._matching(now, without)
        return self._made[key]

    def _matching(self, now: datetime, without: Collection[str]) -> FailedOrderQuerySet:
        orders = service.failed_orders()
        if "view" not in without:
            # `state` given explicitly replaces the view's condition on the state.
            orders = orders.in_view(self.view, now, me=self.me, any_state=bool(self["state"]))
        rows = (row for row in self.query.parameters if row.name not in without)
        orders = self.narrowed(orders, rows)
        return orders if "dates" in without else self.within(orders, self.bounds(now))

    def narrowed(self, rows: Any, parameters: Iterable[Parameter]) -> Any:
        """Keep orders, or attempts, that the methods of these parameters keep."""
        for row in parameters:
            value = self.values.get(row.name)
            if row.method is None or not value:
                continue
            if not isinstance(value, Values):
                rows = row.method(rows, value)
                continue
            if value.include:
                rows = row.method(rows, self._meant(row, value.include))
            if value.exclude:
                rows = row.method(rows, self._meant(row, value.exclude), exclude=True)
        return rows

    def _meant(self, row: Parameter, values: Iterable[str]) -> list[str]:
        """Return values of a name; of an owner, `me` is whoever looks."""
        if row.name != "assignee":
            return list(values)
        return [self.me if value == "me" else value for value in values]

    def within(self, orders: FailedOrderQuerySet, bounds: Bounds) -> FailedOrderQuerySet:
        """Keep the orders whose date lies within bounds, and in the hour that `at` names."""
        if at := self["at"]:
            orders = orders.in_hour(self.dated_by, *at)
        if bounds.start or bounds.end:
            return orders.dated(self.dated_by, bounds.start, bounds.end)
        return orders
