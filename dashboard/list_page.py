"""What lists have in common: filters, facets, and answering with a page or with a part of it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from dashboard.filtering.forms import DATE_NAMES, OrderFilters
from dashboard.filtering.periods import PERIODS
from dashboard.filtering.query import CARRIED, FILTERS
from reconciler import service

#: Facets and their headings, in the order in which the page shows them.
FACET_TITLES = {"category": "Category", "error": "Error", "retry": "What to do", "shop": "Shop"}


def frame_of_list(
    filters: OrderFilters, path: str, sorts: dict[str, str], *also: str
) -> dict[str, Any]:
    """Return what a list shows whether its filters can be read or not.

    ``also`` names what "Clear all" removes besides the filters of every list.
    """
    return {
        "filters": filters,
        "query": filters.query,
        "form": filters.form,
        "path": path,
        "now": filters.now,
        "date_names": DATE_NAMES,
        "period_names": {value: name for value, (name, _) in PERIODS.items()},
        "sort_options": sorts,
        "carried": [
            (name, value.replace("\x00", "\ufffd"))
            for name, value in filters.query.pairs
            if name in CARRIED
        ],
        "cleared": filters.query.without(*FILTERS, *also),
    }


def facets_of(
    filters: OrderFilters, orders: service.FailedOrderQuerySet | None = None
) -> list[tuple[str, str, list[service.FacetValue], Any]]:
    """Count the orders by what one may filter by, each without its own choice."""
    orders = filters.matching(*service.FACETS) if orders is None else orders
    values = {name: filters.cleaned[name] for name in service.FACETS}
    chosen = {name: (mine.include, mine.exclude) for name, mine in values.items()}
    counted = service.facets(orders, chosen)
    return [(name, title, counted[name], values[name]) for name, title in FACET_TITLES.items()]


def answer(
    request: HttpRequest, filters: OrderFilters, parts: dict[str, str], context: dict[str, Any]
) -> HttpResponse:
    """Draw the part of the page that the request's target names ("" is the whole of it)."""
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    whole = not htmx or htmx.history_restore_request
    part = "" if whole else htmx.target if htmx.target in parts else "results"
    valid = filters.is_valid()
    response = render(request, parts[part], context, status=200 if valid else 400)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if htmx and valid:
        response["HX-Push-Url"] = filters.query.url(context["path"])
    return response
