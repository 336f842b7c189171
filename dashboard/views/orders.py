"""The list of failed orders, and the same as CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from dashboard.charts import figures_of, histogram_of
from dashboard.chips import chips_of
from dashboard.exports import csv_lines
from dashboard.filters import (
    DATE_NAMES,
    PER_PAGE,
    SORT_NAMES,
    VIEW_NAMES,
    OrderFilters,
    read_filters,
)
from dashboard.periods import PERIODS
from dashboard.query import CARRIED, FILTERS, Query
from dashboard.tables import ClampingPaginator, OrdersTable
from dashboard.ways_out import ways_out
from reconciler import service

#: A page is drawn as a whole, or only the part that the request's target names.
PARTS = {"results": "dashboard/_results.html", "orders": "dashboard/_orders.html"}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the list."""
    return redirect("dashboard:orders")


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Show the orders that match the query string."""
    query = Query.of(request.GET)
    filters = read_filters(query)
    context = _frame_of_list(filters)
    if filters.is_valid():
        context |= _results(filters)
    response = render(
        request, _template(request), context, status=200 if filters.is_valid() else 400
    )
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if request.htmx and filters.is_valid():  # type: ignore[attr-defined]
        response["HX-Push-Url"] = query.url(reverse("dashboard:orders"))
    return response


@require_safe
def export_csv(request: HttpRequest) -> HttpResponseBase:
    """Send all matching rows; a filter that cannot be read is answered by the list's page."""
    filters = read_filters(Query.of(request.GET).without("page", "per_page"))
    if not filters.is_valid():
        return render(request, "dashboard/orders.html", _frame_of_list(filters), status=400)
    lines = csv_lines(
        filters,
        request.freshness,  # type: ignore[attr-defined]
        lambda pk: request.build_absolute_uri(reverse("dashboard:order", args=[pk])),
    )
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"failed-orders-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _template(request: HttpRequest) -> str:
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    if not htmx or htmx.history_restore_request:
        return "dashboard/orders.html"
    return PARTS.get(htmx.target or "", PARTS["results"])


def _frame_of_list(filters: OrderFilters) -> dict[str, Any]:
    return {
        "filters": filters,
        "query": filters.query,
        "form": filters.form,
        "path": reverse("dashboard:orders"),
        "now": filters.now,
        "date_names": DATE_NAMES,
        "export_path": reverse("dashboard:export_csv"),
        "period_names": {value: name for value, (name, _) in PERIODS.items()},
        "sort_options": SORT_NAMES,
        "carried": [
            (name, value.replace("\x00", "\ufffd"))
            for name, value in filters.query.pairs
            if name in CARRIED
        ],
        "cleared": filters.query.without(*FILTERS),
        "tabs": _tabs(filters, {}),
    }


def _results(filters: OrderFilters) -> dict[str, Any]:
    # First, for what HotWax has is kept at once, and so among the rows.
    answers = service.answers_by_name(filters.cleaned["order"])
    table = OrdersTable(filters.qs.for_list(), order_by=filters.sort_value)
    table.paginate(ClampingPaginator, filters.per_page_value, filters.cleaned["page"])
    counts = service.view_counts(filters.matching("view", "state"), filters.now)
    return {
        "table": table,
        "page": table.page,
        "total": table.paginator.count,
        "tabs": _tabs(filters, counts),
        "figures": figures_of(filters, counts),
        "histogram": histogram_of(filters, counts["all"]),
        "chips": chips_of(filters),
        "facets": _facets(filters),
        "answers": answers,
        "ways_out": ways_out(filters) if not table.paginator.count else None,
        "per_page_choices": PER_PAGE,
        "view_name": VIEW_NAMES[filters.view_value],
    }


#: Facets and their headings, in the order in which the page shows them.
FACET_TITLES = {"category": "Category", "error": "Error", "retry": "What to do", "shop": "Shop"}


def _facets(filters: OrderFilters) -> list[tuple[str, str, list[service.FacetValue], Any]]:
    values = {name: filters.cleaned[name] for name in service.FACETS}
    chosen = {name: (mine.include, mine.exclude) for name, mine in values.items()}
    counted = service.facets(filters.matching(*service.FACETS), chosen)
    return [(name, title, counted[name], values[name]) for name, title in FACET_TITLES.items()]


def _tabs(
    filters: OrderFilters, counts: dict[str, int]
) -> list[tuple[str, str, int | None, bool, str]]:
    path = reverse("dashboard:orders")
    valid = filters.is_valid()
    # Out of a query that cannot be read, a tab leads to its view alone.
    query = filters.query.without("state") if valid else Query([])
    here = filters.view_value if valid else ""
    return [
        (view, name, counts.get(view), view == here, query.with_("view", view).url(path))
        for view, name in VIEW_NAMES.items()
    ]
