"""What lists have in common: filters, facets, and answering with a page or with a part of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import resolve, reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from dashboard.filtering.chips import dates_in_words
from dashboard.filtering.fields import Values
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import DATE_NAMES, PERIOD_NAMES
from dashboard.filtering.query import Query
from reconciler import service
from reconciler.service import FailedOrderQuerySet, Freshness

#: The order in which the page shows facets; others follow.
FACETS_FIRST = ("category", "error", "verdict", "state", "assignee", "retry", "shop")


def htmx_of(request: HttpRequest) -> Any:
    """Return what django-htmx knows of a request; false where htmx did not send it."""
    return request.htmx  # type: ignore[attr-defined]


def filter_form(request: HttpRequest, query: Query) -> FilterForm:
    """Return the form that reads a query for whoever asks."""
    return FilterForm(query, request.user.get_username())


def frame_of_list(form: FilterForm, fresh: Freshness, path: str) -> dict[str, Any]:
    """Return the context that valid and invalid list pages share."""
    query = form.query
    valid = form.is_valid()
    pasted = form.cleaned_data.get("pasted", ()) if valid else ()
    return {
        "query": query,
        "names_path": query.without("order", "pasted").url(reverse("dashboard:names")),
        "names_written": readable(query.get("order")) or "\n".join(pasted),
        "form": form,
        "path": path,
        "page_name": resolve(path).url_name,
        "now": fresh.now,
        "date_names": DATE_NAMES,
        "period_names": PERIOD_NAMES,
        "chosen_days": dates_in_words(form.asked) if valid and any(form.asked.days) else "",
        "carried": [
            (name, readable(value))
            for name, value in query.pairs
            if query.parameters.by_name[name].carried
        ],
        "cleared": query.cleared(),
        # Of pages that count the orders of the list.
        "reported_periods": _reported_periods(query, path) if query.parameters.orders else [],
    }


#: Periods that reports ask for, one click away.
REPORTED = ("this_week", "last_week")


def _reported_periods(query: Query, path: str) -> list[tuple[str, str, bool]]:
    """Return name and address of each period of REPORTED, and whether it is chosen."""
    undated = query.without("from", "to", "at")
    return [
        (
            PERIOD_NAMES[period],
            undated.with_("period", period).url(path),
            query.get("period") == period,
        )
        for period in REPORTED
    ]


def readable(text: str) -> str:
    """Return a text as HTML can hold it: without NUL."""
    return text.replace("\x00", "\ufffd")


#: Drawn parts of a page are kept no longer than this. Midnight of every zone is a multiple of it.
KEEPS = timedelta(minutes=5)


def part_key(asked: OrderFilter, fresh: Freshness, path: str) -> str:
    """Return the key under which drawn parts of a list are kept: all that they depend on."""
    now = fresh.now if asked.depends_on_now else _rounded(fresh.now)
    seen = [_rounded(moment) for moment in fresh.seen or ()]
    me = asked.me if asked.depends_on_me else ""
    return f"{fresh.revision} {asked.query.url(path)} {now} {seen} {me}"


def _rounded(moment: datetime) -> datetime:
    return moment - (moment - datetime.min.replace(tzinfo=UTC)) % KEEPS


def later(make: Callable[[], Any]) -> Any:
    """Return a value that is made only if a template uses it, and once."""
    return SimpleLazyObject(make)


#: So many values of a facet are shown at once, and so many on request.
SHOWN_AT_ONCE, MOST_SHOWN = 5, 200
#: With more values a facet has a field to search them.
SEARCHED_FROM = 10


@dataclass(frozen=True)
class FacetOnPage:
    """A facet with its values, and which of them are chosen."""

    name: str
    title: str
    values: list[service.FacetValue]
    chosen: Values
    #: Value of the facet -> all that is written for it in the query string, where that differs.
    written: Mapping[str, set[str]] = field(default_factory=dict)

    @cached_property
    def at_once(self) -> set[str]:
        """Return the values that are shown at once: the most frequent, and those chosen."""
        most_frequent = {one.value for one in self.values[:SHOWN_AT_ONCE]}
        return {*most_frequent, *self.chosen.include, *self.chosen.exclude, *self.written}

    @cached_property
    def shown(self) -> list[service.FacetValue]:
        """Return the values that are shown at once or on request, most first."""
        chosen = [one for one in self.values[MOST_SHOWN:] if one.value in self.at_once]
        return self.values[:MOST_SHOWN] + chosen

    @property
    def is_folded(self) -> bool:
        """Return True if some values are shown on request only."""
        return any(one.value not in self.at_once for one in self.shown)

    @property
    def is_searched(self) -> bool:
        """Return True if it has too many values to look them through."""
        return len(self.values) > SEARCHED_FROM

    @property
    def left_out(self) -> int:
        """Return how many are not shown at all."""
        return len(self.values) - len(self.shown)


def facets_of(
    asked: OrderFilter,
    fresh: Freshness,
    narrowed: Callable[[FailedOrderQuerySet], FailedOrderQuerySet] = lambda orders: orders,
) -> list[FacetOnPage]:
    """Count the orders by what one may filter by; each facet counts without its own choice.

    ``narrowed`` narrows the orders by what no parameter says.
    """
    facets = asked.query.parameters.facets
    chosen = {name: facet for name, facet in facets.items() if asked[name]}
    rest = {name: facet for name, facet in facets.items() if name not in chosen}
    counts = service.facet_counts(narrowed(asked.matching(fresh.now)), rest, fresh.revision)
    for name, facet in chosen.items():
        orders = narrowed(asked.matching(fresh.now, name))
        counts |= service.facet_counts(orders, {name: facet}, fresh.revision)
    names = [*FACETS_FIRST, *(name for name in facets if name not in FACETS_FIRST)]
    return [
        FacetOnPage(name, facets[name].title, values, asked[name], _written(asked, name, values))
        for name in names
        for values in (counts[name],)
    ]


def _written(
    asked: OrderFilter, name: str, values: Iterable[service.FacetValue]
) -> dict[str, set[str]]:
    """Return how the chosen values of a facet are written, where not as it has them."""
    chosen, known = asked[name], {one.value for one in values}
    others = [value for value in (*chosen.include, *chosen.exclude) if value not in known]
    if not others:
        return {}
    same = {"me": asked.me} if name == "assignee" else {}
    same |= asked.query.parameters.by_name[name].in_facet(others)
    written: dict[str, set[str]] = defaultdict(set)
    for value in others:
        if value in same:
            written[same[value]] |= {value, same[value]}
    return written


def answer(
    request: HttpRequest,
    form: FilterForm,
    parts: dict[str, str],
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    """Draw the whole page, or the part that htmx asks for; ``parts`` maps targets to templates."""
    htmx = htmx_of(request)
    whole = not htmx or htmx.history_restore_request
    part = "" if whole else htmx.target if htmx.target in parts else "results"
    valid = form.is_valid()
    response = render(request, parts[part], context, status=status if valid else 400)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if htmx and valid:
        response["HX-Push-Url"] = form.query.url(context["path"])
    return response
