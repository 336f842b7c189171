"""All error signatures, and one of them with its runbook and its orders."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.charts.sparklines import sparklines_of
from dashboard.charts.stacked import StackedChart, histogram_of
from dashboard.error_list import (
    RECENT,
    arrivals_of,
    changes_of,
    dates_of,
    errors_around,
    labelled,
    numbers_of,
    rows_of,
    signature_or_404,
)
from dashboard.filtering.chips import Chip, chips_of, dates_in_words, in_words
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import (
    DATE_NAMES,
    ERROR_SORT_NAMES,
    ERRORS,
    LABEL_NAMES,
    PER_PAGE,
    VIEW_NAMES,
)
from dashboard.filtering.query import Query
from dashboard.incident_list import IncidentList, are_on_charts, incidents_of, with_incidents
from dashboard.list_page import answer, facets_of, filter_form, frame_of_list, later, part_key
from dashboard.markdown import rendered, without_order
from dashboard.masked_values import HEADINGS, MOST_SHOWN, ValueTable
from dashboard.middleware import fresh_of
from dashboard.table_exports import ERROR_HEADINGS, csv_answer, error_lines
from dashboard.tables import ClampingPaginator, ErrorsTable
from dashboard.views.corrections import correction_form
from reconciler import service
from reconciler.service import Freshness

PARTS = {
    "": "dashboard/errors.html",
    "list": "dashboard/_errors.html",
    "results": "dashboard/_error_results.html",
}
#: Number of texts, and of orders, that are shown; the rest is one click away.
SAMPLES, ORDERS = 5, 10


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """Show one row per signature of the orders that match the query string."""
    fresh, form = fresh_of(request), filter_form(request, Query.of(request.GET, ERRORS))
    context = frame_of_list(form, fresh, reverse("dashboard:errors"))
    context["sort_options"] = ERROR_SORT_NAMES
    context["exports"] = [("export", "Export CSV", reverse("dashboard:errors_csv"))]
    if form.is_valid():
        context |= _results(form.asked, fresh)
    return answer(request, form, PARTS, context)


def _results(asked: OrderFilter, fresh: Freshness) -> dict[str, Any]:
    rows = rows_of(asked, fresh)
    table = ErrorsTable.of(rows, asked.sort)
    table.paginate(ClampingPaginator, asked.per_page, asked["page"])
    key, chips = part_key(asked, fresh, reverse("dashboard:errors")), chips_of(asked)
    return {
        "table": table,
        "page": table.page,
        **_head(rows, asked, fresh),
        # "3 min ago" may be a minute old.
        "rows_key": f"{key} {fresh.now:%H:%M} {fresh.loaded}",
        **_beside_rows(asked, fresh, table),
        "incidents": incidents_of(asked, fresh, {row.signature.pk for row in rows}),
        "chips": chips,
        "part_key": key,
        "has_facet_menu": bool(rows or chips),
        "facets": later(lambda: facets_of(asked, fresh, partial(labelled, asked, fresh))),
        "per_page_choices": PER_PAGE,
        **_queries(asked),
    }


def _queries(asked: OrderFilter) -> dict[str, Query | None]:
    """Return the queries of the lists of orders counted, and of the open ones among them.

    These have a list only if no view and no state narrows what is counted.
    """
    orders = asked.query.of_orders()
    narrowed = asked.view != "all" or asked["state"]
    return {
        "orders_query": orders,
        "open_query": None if narrowed else orders.with_("view", "open"),
        "missing_query": None if asked["verdict"] else orders.with_("verdict", "missing"),
    }


def _beside_rows(asked: OrderFilter, fresh: Freshness, table: ErrorsTable) -> dict[str, Any]:
    """Return what the rows of this page show besides their own numbers."""
    slugs = [row.signature.slug for row in table.records]
    small = later(lambda: sparklines_of(asked, fresh, slugs))
    return {
        "unit": later(lambda: small[0]),
        "sparklines": later(lambda: small[1]),
        "arrivals": {row.signature.pk: arrivals_of(row) for row in table.records},
    }


def _head(
    rows: list[service.ErrorRow], asked: OrderFilter, fresh: Freshness
) -> dict[str, int | str | bool]:
    """Return what is said above the list: how many errors and orders, and what changed."""
    return {
        "total": len(rows),
        "open_is_all": all(row.open == row.orders for row in rows),
        "has_labels": bool(rows) and fresh.loaded,
        "more_words": _more_words(asked, fresh),
        "period_words": _period_words(asked, fresh),
        "order_total": sum(row.orders for row in rows),
        **{f"{label}_total": sum(row.label == label for row in rows) for label in LABEL_NAMES},
    }


def _period_words(asked: OrderFilter, fresh: Freshness) -> str:
    if asked.bounds(fresh.now).start is None:
        return f"In the last {RECENT.days} days"
    return f"In the period ({dates_in_words(asked)})"


def _more_words(asked: OrderFilter, fresh: Freshness) -> str:
    """Say how many orders more there are than in the period before; "" if not comparable."""
    changes = changes_of(asked, fresh)
    if changes.before is None or asked["label"]:
        return ""
    more = sum(changes.now.values()) - sum(changes.before.values())
    words = f"{abs(more):,} {'fewer' if more < 0 else 'more'} than" if more else "as many as"
    before = f"{RECENT.days} before" if asked.bounds(fresh.now).start is None else "one before"
    return f"{words} in the {before};"


@require_safe
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send all rows as CSV; a filter that cannot be read is told by the page."""
    fresh, form = fresh_of(request), filter_form(request, Query.of(request.GET, ERRORS))
    if not form.is_valid():
        return errors(request)
    asked = form.asked
    rows = ErrorsTable.of(rows_of(asked, fresh), asked.sort).all_records
    address = request.build_absolute_uri(reverse("dashboard:errors"))
    lines = error_lines(rows, fresh, address)
    words = f"errors: {in_words(asked)}"
    return csv_answer(request, fresh, "errors", words, ERROR_HEADINGS, lines)


@require_safe
def error(request: HttpRequest, slug: str) -> HttpResponse:
    """Show all that is known of a signature, of the orders that match the query string."""
    signature, fresh = signature_or_404(slug), fresh_of(request)
    if signature.slug != slug:
        path = reverse("dashboard:error", args=[signature.slug])
        return redirect(f"{path}?{request.GET.urlencode()}".rstrip("?"), permanent=True)
    query = _query_of_error(request)
    form = filter_form(request, query.with_("error", slug))
    context = {
        "signature": signature,
        **_list_around(signature, filter_form(request, Query.of(request.GET, ERRORS)), fresh),
        **_frame(form, fresh, query),
        **correction_form(reverse("dashboard:correction", args=[slug])),
        **_known(signature, request.GET.get("revision", "")),
        **(_orders(form.asked, fresh, signature) if form.is_valid() else {}),
    }
    status = 200 if form.is_valid() else 400
    return render(request, "dashboard/error.html", context, status=status)


def _list_around(
    signature: service.ErrorSignature, form: FilterForm, fresh: Freshness
) -> dict[str, Any]:
    around = errors_around(signature, form.asked, fresh) if form.is_valid() else None
    return {"list_query": form.query, "around": around}


def _query_of_error(request: HttpRequest) -> Query:
    """Return which orders of an error are counted; which error it is stands in the path."""
    return Query.of(request.GET, ERRORS).without("error", "label", "sort", "per_page")


@require_safe
def error_values(request: HttpRequest, slug: str) -> HttpResponse:
    """Send what a signature masks as CSV; a filter that cannot be read is told by its page."""
    form = filter_form(request, _query_of_error(request).with_("error", slug))
    if not form.is_valid():
        return error(request, slug)
    signature, fresh = signature_or_404(slug), fresh_of(request)
    table = ValueTable(*service.value_counts(form.asked.matching(fresh.now)))
    words = f"values of {signature.title[:200]}"
    return csv_answer(request, fresh, f"values-{signature.slug}", words, HEADINGS, table.lines())


def _values(asked: OrderFilter, fresh: Freshness) -> ValueTable:
    orders = asked.matching(fresh.now).order_by()
    count = partial(service.value_counts, orders, MOST_SHOWN)
    counts = service.cached(fresh.revision, "values and their number", orders, (), count)
    return ValueTable(*counts)


def _frame(form: FilterForm, fresh: Freshness, query: Query) -> dict[str, Any]:
    return {
        "now": fresh.now,
        "form": form,
        "query": query,
        "cleared": Query(parameters=ERRORS),
    }


def _orders(
    asked: OrderFilter, fresh: Freshness, signature: service.ErrorSignature
) -> dict[str, Any]:
    matching, dates = asked.matching(fresh.now), dates_of(asked, fresh)
    incidents = incidents_of(asked, fresh, {signature.pk})
    row = service.error_row(signature, numbers_of(matching, fresh), dates, changes_of(asked, fresh))
    return {
        "row": row,
        "arrivals": arrivals_of(row),
        "incidents": incidents,
        "date_names": DATE_NAMES,
        "histogram": _histogram(asked, fresh, incidents),
        "histogram_title": DATE_NAMES[asked.dated_by],
        "shops": service.shop_counts(matching, fresh.revision),
        "values": _values(asked, fresh),
        "orders": _latest_failed(matching, signature),
        **_queries(asked),
        "chips": [_on_this_page(chip) for chip in chips_of(asked) if chip.name != "error"],
        "view_name": VIEW_NAMES[asked.view],
    }


def _latest_failed(
    matching: service.FailedOrderQuerySet, signature: service.ErrorSignature
) -> list[service.FailedOrder]:
    # They are of this signature anyway; said in this way, an index has them in order.
    orders = matching.with_signature(signature).for_list().sorted_by("-failed")
    return list(orders[:ORDERS])


def _histogram(
    asked: OrderFilter, fresh: Freshness, incidents: IncidentList
) -> StackedChart | None:
    everything = asked.matching(fresh.now, "view", "state").count()
    chart = histogram_of(asked, fresh, everything)
    return with_incidents(chart, incidents) if chart and are_on_charts(asked) else chart


def _on_this_page(chip: Chip) -> Chip:
    """Leave the error out of a chip's link: it stands in the page's path."""
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
        "worked": service.worked(signature),
    }
