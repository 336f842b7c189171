"""The list of failed orders, and the same as CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.charts.headline import figures_of, histogram_of
from dashboard.exports import csv_lines
from dashboard.filtering.chips import chips_of
from dashboard.filtering.forms import PER_PAGE, SORT_NAMES, VIEW_NAMES, OrderFilters, read_filters
from dashboard.filtering.query import Query
from dashboard.filtering.suggestions import ways_out
from dashboard.list_page import answer, facets_of, frame_of_list
from dashboard.tables import ClampingPaginator, OrdersTable
from reconciler import service


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the list."""
    return redirect("dashboard:orders")


#: A page is drawn as a whole, or only the part that the request's target names.
PARTS = {
    "": "dashboard/orders.html",
    "list": "dashboard/_orders.html",
    "results": "dashboard/_results.html",
}


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Show the orders that match the query string."""
    filters = read_filters(Query.of(request.GET))
    context = _frame(filters)
    if filters.is_valid():
        context |= _results(filters)
    return answer(request, filters, PARTS, context)


@require_safe
def export_csv(request: HttpRequest) -> HttpResponseBase:
    """Send all matching rows; a filter that cannot be read is answered by the list's page."""
    filters = read_filters(Query.of(request.GET).without("page", "per_page"))
    if not filters.is_valid():
        return render(request, "dashboard/orders.html", _frame(filters), status=400)
    lines = csv_lines(
        filters,
        request.freshness,  # type: ignore[attr-defined]
        lambda pk: request.build_absolute_uri(reverse("dashboard:order", args=[pk])),
    )
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"failed-orders-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _frame(filters: OrderFilters) -> dict[str, Any]:
    return {
        **frame_of_list(filters, reverse("dashboard:orders"), SORT_NAMES),
        "export_path": reverse("dashboard:export_csv"),
        "tabs": _tabs(filters, {}),
        "per_page_choices": PER_PAGE,
    }


def _results(filters: OrderFilters) -> dict[str, Any]:
    # First, for what HotWax has is kept at once, and so among the rows.
    answers = service.answers_by_name(filters.cleaned["order"])
    counts = service.view_counts(filters.matching("view", "state"), filters.now, filters.revision)
    known = None if filters.cleaned["state"] else counts[filters.view_value]
    table = OrdersTable(filters.qs.for_list(), order_by=filters.sort_value)
    table.paginate(ClampingPaginator, filters.per_page_value, filters.cleaned["page"], known=known)
    return {
        "table": table,
        "page": table.page,
        "total": table.paginator.count,
        "tabs": _tabs(filters, counts),
        "figures": figures_of(filters, counts),
        "histogram": histogram_of(filters, counts["all"]),
        "chips": chips_of(filters),
        "facets": facets_of(filters),
        "answers": answers,
        "ways_out": ways_out(filters) if not table.paginator.count else None,
        "view_name": VIEW_NAMES[filters.view_value],
    }


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
