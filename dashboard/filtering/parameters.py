"""What may stand in the query string: one row a name (CONTRACTS.md, "Query string").

A row says all that is particular to a name. The form, chips, facets, links, exports and the API
read it from here, so that a new filter is a new row and a method of the query set.
"""

from collections.abc import Callable, Iterable, Mapping

from django import forms

from dashboard.filtering.fields import (
    LONGEST_LIST,
    LONGEST_TEXT,
    DayField,
    HourField,
    MaskedValuesField,
    NamesField,
    PageField,
    PastedField,
    ValuesField,
    choice_field,
)
from dashboard.filtering.parameter import Parameter, Parameters
from dashboard.filtering.periods import PERIODS
from dashboard.wording import value_in_words
from reconciler import service
from reconciler.service import Facet, FailedOrderQuerySet, SignedQuerySet

PER_PAGE = (25, 50, 100, 200)
VIEW_NAMES = {
    "open": "Open",
    "mine": "Mine",
    "missing": "Missing",
    "expiring": "Expiring soon",
    "failing": "Failing again",
    "needs": "Needs a person",
    "resolved": "Resolved",
    "all": "All",
}
DATE_NAMES = {
    "failed": "Last failed",
    "first": "First attempt",
    "created": "Created",
    "expires": "Expires",
}
#: What the menu of sorts offers; every key of SORTS is understood.
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
    "state": "Status",
    "verdict": "In HotWax?",
    "assignee": "Owner",
}
#: The columns of /orders/, as in `sort`, `columns` and `data-column`, in the order of the table.
COLUMN_NAMES = {
    "order": "Order",
    "shop": "Shop",
    "error": "Error",
    "attempts": "Attempts",
    "created": "Created",
    "first": "First attempt",
    "failed": "Last failed",
    "expires": "Expires",
    "verdict": "In HotWax?",
    "state": "Status",
    "assignee": "Owner",
}
#: Columns always shown, and those shown only where `columns` names them; `!shop` hides another.
FIXED_COLUMNS, EXTRA_COLUMNS = ("order", "error"), ("created", "first")
#: Sort names of /errors/ -> the attribute of a row.
ERROR_SORTS = {
    "error": "sort_key",
    "orders": "orders",
    "open": "open",
    "missing": "missing",
    "stores": "shops",
    "attempts": "attempts",
    "change": "change",
    "last_seen": "last_seen_at",
    "first_seen": "first_seen_at",
}
ERROR_SORT_NAMES = {
    "-orders": "Most orders",
    "-open": "Most open orders",
    "-missing": "Most missing",
    "-attempts": "Most attempts",
    "-change": "Rose most",
    "-stores": "Most shops",
    "-first_seen": "First seen, latest first",
    "-last_seen": "Last seen, latest first",
    "error": "Error",
}
BY_NAMES = {"category": "Category", "error": "Error", "shop": "Shop"}
COUNT_NAMES = {"orders": "Orders", "attempts": "Attempts"}
LABEL_NAMES = {"new": "New", "back": "Back", "worse": "Worse", "quiet": "Quiet"}
#: Spans from the first failure to the arrival in the OMS: the keys of `Outcomes.arrivals`.
ARRIVAL_NAMES = {
    "15m": "within 15 min",
    "1h": "15 min – 1 h",
    "4h": "1 – 4 h",
    "24h": "4 – 24 h",
    "3d": "1 – 3 days",
    "7d": "3 – 7 days",
    "later": "later",
}
PERIOD_NAMES = {value: name for value, (name, _) in PERIODS.items()}


def choices(words: Mapping[str, str]) -> Callable[[Iterable[str]], Mapping[str, str]]:
    """Return ``words`` for whatever values."""
    return lambda _: words


def _errors(values: Iterable[str]) -> dict[str, str]:
    unknown = {slug: f"{slug} (unknown)" for slug in values}
    return unknown | service.sentences_of(list(unknown))


def _sort(sorts: Iterable[str], default: str, **default_in: str) -> Parameter:
    values = {sign + name: name for name in sorts for sign in ("", "-")}
    words = f"{', '.join(sorts)}, with - to reverse"
    return Parameter(
        "sort",
        "Sort",
        lambda: choice_field(values, words),
        default=default,
        default_in=default_in,
        is_filter=False,
    )


CATEGORIES = {value: str(label) for value, label in service.Category.choices}
STATES = {value: str(label) for value, label in service.State.choices}
VERDICTS = {value: str(label) for value, label in service.Verdict.choices}
OWNERS = {service.NOBODY: "No owner", "me": "me"}
ADVICE = {value: str(label) for value, label in service.Retry.choices}

PAGE = Parameter("page", "Page", PageField, is_filter=False)
_PAGES = (
    PAGE,
    Parameter(
        "per_page",
        "Per page",
        lambda: choice_field({str(n): str(n) for n in PER_PAGE}, ", ".join(map(str, PER_PAGE))),
        default="50",
        carried=True,
        is_filter=False,
    ),
)

#: The query string of /orders/; exports and the API use the same.
ORDERS = Parameters(
    (
        # Without a default: which view is meant depends on `order`.
        Parameter(
            "view",
            "View",
            lambda: choice_field(VIEW_NAMES),
            carried=True,
            is_filter=False,
            words=choices(VIEW_NAMES),
        ),
        # Which saved view the filters began with.
        Parameter(
            "saved",
            "Saved view",
            lambda: forms.CharField(required=False),
            carried=True,
            is_filter=False,
        ),
        Parameter(
            "q",
            "Text",
            lambda: forms.CharField(required=False),
            method=FailedOrderQuerySet.mentioning,
            longest=LONGEST_TEXT,
        ),
        Parameter(
            "order",
            "Order",
            lambda: NamesField(required=False),
            carried=True,
            method=FailedOrderQuerySet.named,
            longest=LONGEST_LIST,
        ),
        Parameter(
            "pasted",
            "Order",
            lambda: PastedField(required=False),
            carried=True,
            method=FailedOrderQuerySet.named,
        ),
        Parameter(
            "error",
            "Error",
            ValuesField,
            repeatable=True,
            carried=True,
            method=SignedQuerySet.of_errors,
            narrows_attempts=True,
            facet=Facet(
                "Error",
                "signature",
                service.by_signature(lambda s: (s.slug, s.title, s.template)),
            ),
            in_facet=service.slugs_in_use,
            words=_errors,
        ),
        Parameter(
            "category",
            "Category",
            lambda: ValuesField(CATEGORIES),
            repeatable=True,
            carried=True,
            method=SignedQuerySet.of_categories,
            narrows_attempts=True,
            facet=Facet(
                "Category",
                "signature",
                service.by_signature(lambda s: (s.category, CATEGORIES[s.category])),
            ),
            words=choices(CATEGORIES),
        ),
        Parameter(
            "shop",
            "Shop",
            ValuesField,
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.of_shops,
            facet=Facet("Shop", "shop", service.by_shop),
            in_facet=service.names_of_hosts,
            words=choices({"none": "no shop"}),
        ),
        Parameter(
            "state",
            "Status",
            lambda: ValuesField(STATES),
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.in_states,
            words=choices(STATES),
            facet=Facet("Status", "state", service.by_choices(STATES)),
        ),
        Parameter(
            "verdict",
            "In HotWax?",
            lambda: ValuesField(VERDICTS),
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.with_verdicts,
            words=choices(VERDICTS),
            facet=Facet("In HotWax?", "verdict", service.by_choices(VERDICTS)),
        ),
        Parameter(
            "assignee",
            "Owner",
            ValuesField,
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.assigned_to,
            words=choices(OWNERS),
            facet=Facet("Owner", "assignee", service.by_owner),
        ),
        Parameter(
            "retry",
            "What to do",
            lambda: ValuesField(ADVICE),
            repeatable=True,
            carried=True,
            method=SignedQuerySet.to_retry,
            narrows_attempts=True,
            facet=Facet(
                "What to do",
                "signature",
                service.by_signature(lambda s: (s.retry, ADVICE[s.retry])),
            ),
            words=choices(ADVICE),
        ),
        Parameter(
            "value",
            "Value",
            MaskedValuesField,
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.with_values,
            words=lambda values: {value: value_in_words(value) for value in values},
        ),
        Parameter(
            "arrived",
            "Arrived",
            lambda: ValuesField(ARRIVAL_NAMES),
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.arrived_in,
            words=choices(ARRIVAL_NAMES),
        ),
        Parameter(
            "resolved_by",
            "Resolved by",
            ValuesField,
            repeatable=True,
            carried=True,
            method=FailedOrderQuerySet.resolved_by,
            words=choices({service.SYSTEM: "arrival"}),
        ),
        Parameter("date", "Date", lambda: choice_field(DATE_NAMES), default="failed"),
        Parameter("period", "Period", lambda: choice_field(PERIOD_NAMES), default="all"),
        Parameter("from", "From", DayField),
        Parameter("to", "To", DayField),
        Parameter("at", "Hour", HourField, carried=True),
        Parameter(
            "columns",
            "Columns",
            lambda: ValuesField(COLUMN_NAMES),
            repeatable=True,
            carried=True,
            is_filter=False,
        ),
        _sort(service.SORTS, "-failed", expiring="expires"),
        *_PAGES,
    )
)
#: The query string of /errors/: which orders are counted, and how errors are sorted.
ERRORS = ORDERS.counting(
    Parameter(
        "label",
        "Label",
        lambda: choice_field(LABEL_NAMES),
        carried=True,
        words=choices(LABEL_NAMES),
    ),
    _sort(ERROR_SORTS, "-orders"),
    *_PAGES,
    without=("columns",),
    view="all",
)
#: The query string of /trends/: which orders are counted, and how.
TRENDS = ORDERS.counting(
    Parameter(
        "by", "Stack by", lambda: choice_field(BY_NAMES), default="category", is_filter=False
    ),
    Parameter(
        "count", "Count", lambda: choice_field(COUNT_NAMES), default="orders", is_filter=False
    ),
    without=("sort", "columns", "page", "per_page"),
    view="all",
    date="first",
    period="30d",
)
