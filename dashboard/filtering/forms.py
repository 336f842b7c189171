"""The filters of the orders list: a form over the query string, and what it does to a queryset."""

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import cached_property
from django_filters import ChoiceFilter, Filter, FilterSet

from dashboard.filtering.periods import (
    PERIODS,
    Bounds,
    before_days,
    before_period,
    bounds_of_days,
    bounds_of_period,
)
from dashboard.filtering.query import ErrorsQuery, Query, TrendsQuery
from reconciler import service

LONGEST_TEXT = 500
MOST_NAMES = 1000
PER_PAGE = (25, 50, 100, 200)
DEFAULT_PER_PAGE = 50
DEFAULT_SORT = "-failed"
VIEW_NAMES = {
    "open": "Open",
    "expiring": "Expiring soon",
    "failing": "Still failing",
    "needs": "Needs a person",
    "all": "All",
}
DATE_NAMES = {
    "failed": "Last failed",
    "first": "First attempt",
    "created": "Created",
    "expires": "Expires",
}
SORT_NAMES = {
    "-failed": "Last failed, latest first",
    "failed": "Last failed, oldest first",
    "expires": "Expires first",
    "-attempts": "Most attempts",
    "-created": "Created, latest first",
    "first": "First attempt, oldest first",
    "order": "Order name",
    "shop": "Shop",
    "error": "Error",
}
SORT_VALUES = [sign + name for name in service.SORTS for sign in ("", "-")]
#: Sort names of /errors/ -> the attribute of a row.
ERROR_SORTS = {
    "error": "sort_key",
    "orders": "orders",
    "open": "open",
    "stores": "stores",
    "attempts": "attempts",
    "last_seen": "last_seen_at",
    "first_seen": "first_seen_at",
}
DEFAULT_ERROR_SORT = "-orders"
ERROR_SORT_NAMES = {
    "-orders": "Most orders",
    "-open": "Most open orders",
    "-attempts": "Most attempts",
    "-stores": "Most stores",
    "-first_seen": "First seen, latest first",
    "-last_seen": "Last seen, latest first",
    "error": "Error",
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BY_NAMES = {"category": "Category", "error": "Error", "shop": "Store"}
COUNT_NAMES = {"orders": "Orders", "attempts": "Attempts"}
LABEL_NAMES = {"new": "New", "back": "Back"}
#: Repeatable names -> the method of the query set that keeps, or leaves out, their values.
BY_VALUES = {
    "error": "of_errors",
    "category": "of_categories",
    "shop": "of_shops",
    "state": "in_states",
    "retry": "to_retry",
}
PER_PAGE_MESSAGE = "One of 25, 50, 100, 200."


@dataclass(frozen=True)
class Values:
    """Values of a repeatable name: those to keep and those to leave out."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)


class ValuesField(forms.Field):
    """Repeated values; `!value` excludes. ``closed`` names the values that exist, if it is set."""

    widget = forms.MultipleHiddenInput

    def __init__(self, *, closed: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.closed = closed

    def clean(self, value: Any) -> Values:
        """Sort values into those to keep and those to leave out."""
        values = [text.strip() for text in value or [] if text.strip()]
        for text in values:
            _refuse_nul(text)
            if self.closed and text.removeprefix("!") not in self.closed:
                raise ValidationError(f"One of {', '.join(self.closed)}.")
        include = tuple(text for text in values if not text.startswith("!"))
        return Values(include, tuple(text[1:] for text in values if text.startswith("!")))


class NamesField(forms.CharField):
    """Order names, separated by comma, space or newline."""

    def clean(self, value: Any) -> list[str]:
        """Split into names, each once, in the order typed."""
        text = super().clean(value)
        names = [name for name in re.split(r"[,\s]+", text) if name.strip("#")]
        names = list(dict.fromkeys(names))
        if len(names) > MOST_NAMES:
            raise ValidationError(
                f"At most {MOST_NAMES:,} names at a time; these are {len(names):,}."
            )
        return names


class DayField(forms.Field):
    """A day, written YYYY-MM-DD."""

    widget = forms.DateInput

    def clean(self, value: Any) -> date | None:
        """Read the day, or say what is wrong with it."""
        text = (value or "").strip()
        if not text:
            return None
        _refuse_nul(text)
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
        if not match:
            raise ValidationError("Write a day as 2026-11-30.")
        year, month, day = map(int, match.groups())
        try:
            return date(year, month, day)
        except ValueError:
            if not (1 <= month <= 12 and year and day):
                raise ValidationError("There is no such day. Write a day as 2026-11-30.") from None
            days = calendar.monthrange(year, month)[1]
            name = (
                f"{calendar.month_name[month]} {year}" if month == 2 else calendar.month_name[month]
            )
            raise ValidationError(
                f"{name} has {days} days. Write a day as {year}-{month:02d}-{days}."
            ) from None


class HourField(forms.Field):
    """An hour of a weekday, written tue-13."""

    def clean(self, value: Any) -> tuple[int, int] | None:
        """Read weekday (1 = Monday) and hour."""
        text = (value or "").strip()
        if not text:
            return None
        day, _, hour = text.partition("-")
        if day not in WEEKDAYS or not re.fullmatch("[01][0-9]|2[0-3]", hour):
            raise ValidationError("Write a weekday and an hour as tue-13.")
        return WEEKDAYS.index(day) + 1, int(hour)


class PageField(forms.Field):
    """A whole number of at least 1, however large."""

    def clean(self, value: Any) -> int:
        """Read the number; one that is too large is a page past the end."""
        text = (value or "").strip() or "1"
        if not (text.isascii() and text.isdigit()) or not text.strip("0"):
            raise ValidationError("A page is a whole number of at least 1.")
        return int(text[-9:]) if len(text.lstrip("0")) <= 9 else 10**9


def _refuse_nul(text: str) -> None:
    if "\x00" in text:
        raise ValidationError("There is a NUL character in it.")


class TextFilter(Filter):
    """`q`."""

    field_class = forms.CharField


class NamesFilter(Filter):
    """`order`."""

    field_class = NamesField


class ValuesFilter(Filter):
    """`error`, `category`, `shop`, `state`, `retry`."""

    field_class = ValuesField


class DayFilter(Filter):
    """`from`, `to`."""

    field_class = DayField


class HourFilter(Filter):
    """`at`."""

    field_class = HourField


class PageFilter(Filter):
    """`page`."""

    field_class = PageField


def _choice(values: Any, message: str) -> ChoiceFilter:
    choices = values.items() if isinstance(values, dict) else [(v, v) for v in values]
    return ChoiceFilter(
        choices=list(choices), empty_label=None, error_messages={"invalid_choice": message}
    )


class OrderForm(forms.Form):
    """Checks what concerns two fields."""

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        cleaned: dict[str, Any] = self.cleaned_data
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and first > last:
            self.add_error("to", "“To” lies before “From”.")
        return cleaned


class OrderFilters(FilterSet):
    """The query string of /orders/ (CONTRACTS.md). Exports use the same."""

    view = _choice(VIEW_NAMES, f"One of {', '.join(VIEW_NAMES)}.")
    q = TextFilter(max_length=LONGEST_TEXT)
    order = NamesFilter()
    error = ValuesFilter()
    category = ValuesFilter(closed=tuple(service.Category.values))
    shop = ValuesFilter()
    state = ValuesFilter(closed=tuple(service.State.values))
    retry = ValuesFilter(closed=tuple(service.Retry.values))
    date = _choice(DATE_NAMES, f"One of {', '.join(DATE_NAMES)}.")
    period = _choice({k: v[0] for k, v in PERIODS.items()}, f"One of {', '.join(PERIODS)}.")
    at = HourFilter()
    sort = _choice(SORT_VALUES, f"One of {', '.join(service.SORTS)}, with - to reverse.")
    page = PageFilter()
    per_page = _choice([str(n) for n in PER_PAGE], PER_PAGE_MESSAGE)

    class Meta:
        """Nothing is derived from a model: each filter is declared."""

        fields: tuple[str, ...] = ()
        form = OrderForm

    def __init__(self, query: Query, queryset: service.FailedOrderQuerySet, now: datetime) -> None:
        super().__init__(query.data(), queryset)
        self.query = query
        self.now = now

    def is_valid(self) -> bool:
        """Also an empty query string is a valid one."""
        return bool(self.form.is_valid())

    @property
    def form(self) -> forms.Form:
        """Bound always: an empty query string is a state too."""
        if not hasattr(self, "_form"):
            self._form: forms.Form = self.get_form_class()(self.data)
        return self._form

    @cached_property
    def revision(self) -> int:
        """Return the revision of the ledger that figures are counted at."""
        return service.revision()

    @cached_property
    def seen(self) -> tuple[datetime, datetime] | None:
        """Return from when until when we know what failed; None before the first load."""
        return service.seen_between()

    @property
    def cleaned(self) -> dict[str, Any]:
        """Return what was read; only of a valid form."""
        return self.form.cleaned_data

    @property
    def view_value(self) -> str:
        """Return the view that counts: with `order` given there is no default one."""
        return self.cleaned["view"] or ("all" if self.cleaned["order"] else "open")

    @property
    def orders_query(self) -> Query:
        """Return the query of the list that holds what is counted."""
        return self.query

    @property
    def sort_value(self) -> str:
        """Return the sort that counts."""
        return self.cleaned["sort"] or DEFAULT_SORT

    @property
    def per_page_value(self) -> int:
        """Return how many rows a page has."""
        return int(self.cleaned["per_page"] or DEFAULT_PER_PAGE)

    @property
    def date_value(self) -> str:
        """Return which date period, from and to mean."""
        return self.cleaned["date"] or "failed"

    @property
    def period_value(self) -> str:
        """Return the period that counts, where no days are named."""
        return self.cleaned["period"] or "all"

    @property
    def bounds(self) -> Bounds:
        """Return the moments that period, from and to bound."""
        first, last = self.cleaned["from"], self.cleaned["to"]
        if first or last:
            return bounds_of_days(first, last)
        forward = self.date_value == "expires"
        return bounds_of_period(self.period_value, self.now, forward=forward)

    @property
    def before(self) -> Bounds | None:
        """Return the period before: as many days immediately before; None if there is none."""
        first, last = self.cleaned["from"], self.cleaned["to"]
        if first or last:
            return before_days(first, last or timezone.localtime(self.now).date())
        return before_period(self.period_value, self.now, forward=self.date_value == "expires")

    @property
    def qs(self) -> service.FailedOrderQuerySet:
        """Return the orders that match, in the order asked for."""
        return self.matching().sorted_by(self.sort_value)

    def matching(self, *without: str) -> service.FailedOrderQuerySet:
        """Return the orders that match, unsorted; without some filters, or `dates`, to count."""
        orders: service.FailedOrderQuerySet = self.queryset
        c = self.cleaned
        if "view" not in without:
            # `state` given explicitly replaces the view's condition on the state.
            orders = orders.in_view(self.view_value, self.now, any_state=bool(c["state"]))
        if c["q"]:
            orders = orders.mentioning(c["q"])
        if c["order"]:
            orders = orders.named(c["order"])
        orders = self.with_values(orders, [name for name in BY_VALUES if name not in without])
        return orders if "dates" in without else self.within(orders, self.bounds)

    def with_values(self, rows: Any, names: Iterable[str]) -> Any:
        """Keep orders, or attempts, that have the values of these repeatable names."""
        for name in names:
            method, values = BY_VALUES[name], self.cleaned[name]
            if values.include:
                rows = getattr(rows, method)(list(values.include))
            if values.exclude:
                rows = getattr(rows, method)(list(values.exclude), exclude=True)
        return rows

    def within(
        self, orders: service.FailedOrderQuerySet, bounds: Bounds
    ) -> service.FailedOrderQuerySet:
        """Keep the orders whose date, the one the list is about, lies within bounds and `at`."""
        if at := self.cleaned["at"]:
            orders = orders.in_hour(self.date_value, *at)
        if bounds.start or bounds.end:
            return orders.dated(self.date_value, bounds.start, bounds.end)
        return orders


# `from` is a keyword, so it cannot be written as an attribute of the class.
for _name in ("from", "to"):
    OrderFilters.declared_filters[_name] = OrderFilters.base_filters[_name] = DayFilter()


class ErrorFilters(OrderFilters):
    """The query string of /errors/: which orders are counted, and how signatures are sorted."""

    sort = _choice(
        [sign + name for name in ERROR_SORTS for sign in ("", "-")],
        f"One of {', '.join(ERROR_SORTS)}, with - to reverse.",
    )
    label = _choice(LABEL_NAMES, f"One of {', '.join(LABEL_NAMES)}.")

    @property
    def view_value(self) -> str:
        """Return the view that counts: errors are counted over all orders."""
        return self.cleaned["view"] or "all"

    @property
    def orders_query(self) -> Query:
        """Return the query of the list that holds what is counted."""
        return ErrorsQuery(self.query.pairs).of_orders()

    @property
    def sort_value(self) -> str:
        """Return the sort that counts."""
        return self.cleaned["sort"] or DEFAULT_ERROR_SORT


class TrendFilters(OrderFilters):
    """The query string of /trends/: which orders are counted, and how."""

    by = _choice(BY_NAMES, f"One of {', '.join(BY_NAMES)}.")
    count = _choice(COUNT_NAMES, f"One of {', '.join(COUNT_NAMES)}.")

    @property
    def view_value(self) -> str:
        """Return the view that counts: trends are of all orders."""
        return self.cleaned["view"] or "all"

    @property
    def date_value(self) -> str:
        """Return the date that counts: the first attempt, which no later one moves."""
        return "first" if self.of_attempts else self.cleaned["date"] or "first"

    @property
    def period_value(self) -> str:
        """Return the period that counts."""
        return self.cleaned["period"] or "30d"

    @property
    def by_value(self) -> str:
        """Return what the days are stacked by."""
        return self.cleaned["by"] or "category"

    @property
    def of_attempts(self) -> bool:
        """Return whether attempts are counted instead of orders."""
        return bool(self.cleaned["count"] == "attempts")

    @property
    def orders_query(self) -> Query:
        """Return the query of the list that holds what is counted."""
        return TrendsQuery(self.query.pairs).of_orders()


def read_filters(query: Query) -> OrderFilters:
    """Read a query string; ``is_valid`` says whether it can be used."""
    return OrderFilters(query, service.failed_orders(), timezone.now())


def read_error_filters(query: ErrorsQuery) -> ErrorFilters:
    """Read a query string of /errors/."""
    return ErrorFilters(query, service.failed_orders(), timezone.now())


def read_trend_filters(query: TrendsQuery) -> TrendFilters:
    """Read a query string of /trends/."""
    return TrendFilters(query, service.failed_orders(), timezone.now())
