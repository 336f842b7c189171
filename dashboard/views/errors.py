"""The signatures of errors, and one of them with its runbook and its orders."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.charts.headline import histogram_of
from dashboard.error_list import RECENT, label_bounds, labelled, rows_of, small_charts
from dashboard.filtering.chips import Chip, chips_of, dates_in_words
from dashboard.filtering.forms import (
    DATE_NAMES,
    ERROR_SORT_NAMES,
    PER_PAGE,
    VIEW_NAMES,
    ErrorFilters,
    read_error_filters,
)
from dashboard.filtering.query import ErrorsQuery
from dashboard.list_page import answer, facets_of, frame_of_list
from dashboard.markdown import rendered, without_order
from dashboard.tables import ClampingPaginator, ErrorsTable
from dashboard.views.corrections import kinds
from reconciler import service

PARTS = {
    "": "dashboard/errors.html",
    "list": "dashboard/_errors.html",
    "results": "dashboard/_error_results.html",
}
#: So many texts, and so many orders, are shown; the rest is one click away.
SAMPLES, ORDERS = 5, 10


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """Show one row per signature of the orders that match the query string."""
    filters = read_error_filters(ErrorsQuery.of(request.GET))
    context = frame_of_list(filters, reverse("dashboard:errors"), ERROR_SORT_NAMES, "view", "label")
    if filters.is_valid():
        context |= _results(filters)
    return answer(request, filters, PARTS, context)


def _results(filters: ErrorFilters) -> dict[str, Any]:
    rows = rows_of(filters)
    table = ErrorsTable.of(rows, filters.sort_value)
    table.paginate(ClampingPaginator, filters.per_page_value, filters.cleaned["page"])
    unit, charts = small_charts(filters, [row.record for row in table.paginated_rows])
    return {
        "table": table,
        "page": table.page,
        "total": len(rows),
        **_sums(rows),
        "period_words": _period_words(filters),
        "unit": unit,
        "charts": charts,
        "chips": chips_of(filters),
        "facets": facets_of(filters, labelled(filters)),
        "per_page_choices": PER_PAGE,
        "orders_query": filters.orders_query,
        "open_is_a_view": filters.view_value == "all" and not filters.cleaned["state"],
    }


def _sums(rows: list[service.ErrorRow]) -> dict[str, int]:
    return {
        "order_total": sum(row.orders for row in rows),
        "new_total": sum(row.label == "new" for row in rows),
        "back_total": sum(row.label == "back" for row in rows),
    }


def _period_words(filters: ErrorFilters) -> str:
    words = dates_in_words(filters)
    if filters.bounds.start is None:
        return f"in the last {RECENT.days} days"
    return f"in the period ({words})"


@require_safe
def error(request: HttpRequest, slug: str) -> HttpResponse:
    """Show all that is known of a signature, of the orders that match the query string."""
    signature = signature_or_404(slug)
    if signature.slug != slug:
        path = reverse("dashboard:error", args=[signature.slug])
        return redirect(f"{path}?{request.GET.urlencode()}".rstrip("?"), permanent=True)
    came_from = ErrorsQuery.of(request.GET)
    query = came_from.without("error", "label", "sort", "per_page")
    filters = read_error_filters(query.with_("error", slug))
    context = {
        "signature": signature,
        "list_query": came_from,
        **_frame(filters, query),
        **kinds(request),
        **_known(signature, request.GET.get("revision", "")),
        **(_orders(filters, signature) if filters.is_valid() else {}),
    }
    status = 200 if filters.is_valid() else 400
    return render(request, "dashboard/error.html", context, status=status)


def _frame(filters: ErrorFilters, query: ErrorsQuery) -> dict[str, Any]:
    return {
        "now": filters.now,
        "filters": filters,
        "form": filters.form,
        "query": query,
        "cleared": ErrorsQuery([]),
    }


def signature_or_404(slug: str) -> service.ErrorSignature:
    """Find a signature by its slug, or by one it had under earlier rules."""
    signature = service.error_named(slug)
    if signature is None:
        raise Http404("There is no such error.")
    return signature


def _orders(filters: ErrorFilters, signature: service.ErrorSignature) -> dict[str, Any]:
    bounds, matching = label_bounds(filters), filters.matching()
    row = service.error_row(signature, matching, bounds.start, bounds.end)
    everything = filters.matching("view", "state").count()
    return {
        "row": row,
        "date_names": DATE_NAMES,
        "histogram": histogram_of(filters, everything),
        "stores": service.shops_of(matching),
        "orders": list(matching.for_list().sorted_by("-failed")[:ORDERS]),
        "orders_query": filters.orders_query,
        "chips": [_on_this_page(chip) for chip in chips_of(filters) if chip.field != "Error"],
        "view_name": VIEW_NAMES[filters.view_value],
        "open_is_a_view": filters.view_value == "all" and not filters.cleaned["state"],
    }


def _on_this_page(chip: Chip) -> Chip:
    """Leave the error out of a chip's link: the page's own address says it."""
    return replace(chip, without=chip.without.without("error"))


def _known(signature: service.ErrorSignature, wanted: str) -> dict[str, Any]:
    history = service.runbook_history(signature)
    shown = next((book for book in history if str(book.number) == wanted), history[0])
    return {
        "samples": service.sample_texts(signature, SAMPLES),
        "history": history,
        "runbook": shown,
        "runbook_html": rendered(shown.text, without_order()),
        "is_latest": shown is history[0],
    }
