"""The list of failed orders."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.acting import FORMS, frame_of_acting
from dashboard.charts.headline import figures_of
from dashboard.charts.stacked import histogram_of
from dashboard.columns import columns_of
from dashboard.filtering.chips import chips_of
from dashboard.filtering.fields import LONGEST_LIST
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameter import Parameters
from dashboard.filtering.parameters import (
    DATE_NAMES,
    ERRORS,
    ORDERS,
    PER_PAGE,
    SORT_NAMES,
    TRENDS,
    VIEW_NAMES,
)
from dashboard.filtering.pasted import holding
from dashboard.filtering.query import Query
from dashboard.filtering.suggestions import suggestions_for
from dashboard.list_page import (
    answer,
    facets_of,
    filter_form,
    frame_of_list,
    htmx_of,
    later,
    part_key,
    readable,
)
from dashboard.middleware import fresh_of
from dashboard.name_answers import answers_of, looked_up
from dashboard.saved_views import default_url, views_on_page
from dashboard.tables import ClampingPaginator, OrdersTable
from reconciler import service
from reconciler.service import Freshness

#: Pages that list by order names, as the form of names calls them.
LISTS = {"orders": ORDERS, "errors": ERRORS, "trends": TRENDS}
#: The whole page, and the parts of it that a request's target may name.
PARTS = {
    "": "dashboard/orders.html",
    "list": "dashboard/_orders.html",
    "results": "dashboard/_results.html",
}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the list."""
    return redirect("dashboard:orders")


@require_safe
def orders(request: HttpRequest, parameters: Parameters = ORDERS) -> HttpResponse:
    """Show the orders that match the query string; without any, one's default view."""
    if not request.GET and not htmx_of(request) and (default := default_url(request)):
        return redirect(default)
    query = Query.of(request.GET, parameters)
    if url := looked_up(request, query):
        return redirect(url)
    return orders_page(request, query)


def orders_page(request: HttpRequest, query: Query, status: int = 200, **more: Any) -> HttpResponse:
    """Show the list of a query, also as the answer to an action that was refused."""
    fresh, form = fresh_of(request), filter_form(request, query)
    context = {**_frame(form, fresh), **frame_of_acting(request, fresh.now), **more}
    context["saved_views"] = views = views_on_page(request, query, fresh)
    context["open_view"] = next((view for view in views if view.is_open), None)
    if form.is_valid():
        context |= _results(form.asked, fresh)
    return answer(request, form, PARTS, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
def names(request: HttpRequest) -> HttpResponse:
    """Lead to a list of the pasted names, by an address that is short however many they are.

    A GET, as after a sign-in or a reload, leads to the list without them.
    """
    page, text = request.POST.get("page", ""), request.POST.get("order", "")
    name = page if page in LISTS else "orders"
    query = Query.of(request.GET, LISTS[name])
    try:
        query = holding(query, text) if request.method == "POST" else query
    except ValidationError as error:
        return _refused(request, query.without("order", "pasted"), text, error.messages[0])
    return redirect(query.url(reverse(f"dashboard:{name}")))


def _refused(request: HttpRequest, query: Query, text: str, reason: str) -> HttpResponse:
    """Say beside the field why these names were not read, and keep them in it.

    A text that is longer than the field takes is not repeated.
    """
    form = filter_form(request, Query(query.pairs, ORDERS, {"order": reason}))
    context = _frame(form, fresh_of(request))
    if len(text) <= LONGEST_LIST:
        context["names_written"] = readable(service.mask_keys(text))
    return render(request, "dashboard/orders.html", context, status=400)


def _frame(form: FilterForm, fresh: Freshness) -> dict[str, Any]:
    return {
        **frame_of_list(form, fresh, reverse("dashboard:orders")),
        # Before all counts: what is stored meanwhile may be told twice, but is not missed.
        "latest_attempt": service.latest_attempt(),
        "sort_options": SORT_NAMES,
        "exports": [
            ("export", "Export CSV", reverse("dashboard:export_csv")),
            ("export-excel", "Excel", reverse("dashboard:export_xlsx")),
        ],
        # From a query that cannot be read, a tab leads to its view alone.
        "tabs": _tabs(Query(parameters=form.query.parameters), "", {}),
        "per_page_choices": PER_PAGE,
        "save_view_path": reverse("dashboard:save_view"),
        "bulk_paths": {verb: reverse(f"dashboard:bulk_{verb}") for verb in FORMS},
    }


def _results(asked: OrderFilter, fresh: Freshness) -> dict[str, Any]:
    # First, because what HotWax answers is kept and then belongs to the rows.
    answers = answers_of(asked)
    everything = asked.matching(fresh.now, "view", "state")
    views = service.per_view(everything, fresh.now, fresh.revision, asked.me)
    counts = views.by_view
    key = part_key(asked, fresh, reverse("dashboard:orders"))
    return {
        **_rows(asked, fresh, None if asked["state"] else counts[asked.view]),
        "tabs": _tabs(asked.query.without("state"), asked.view, counts),
        "part_key": key,
        # One of its figures changes from second to second.
        "summary_key": f"{key} {counts['expiring']} {views.expiring_within_a_day}",
        **_summary(asked, fresh, views),
        "chips": chips_of(asked),
        "facets": later(lambda: facets_of(asked, fresh)),
        "answers": answers,
        "columns": columns_of(asked.query),
        "view_name": VIEW_NAMES[asked.view],
    }


def _summary(asked: OrderFilter, fresh: Freshness, views: service.ViewCounts) -> dict[str, Any]:
    """Return what the summary shows; each is made only where no drawn part is kept."""
    return {
        "figures": later(lambda: figures_of(asked, fresh, views)),
        "histogram": later(lambda: histogram_of(asked, fresh, views.by_view["all"])),
        "histogram_title": DATE_NAMES[asked.dated_by],
    }


def _rows(asked: OrderFilter, fresh: Freshness, known: int | None) -> dict[str, Any]:
    """Return a page of rows; ``known`` is how many there are, where that was counted already."""
    rows = asked.matching(fresh.now).sorted_by(asked.sort).for_list()
    table = OrdersTable(rows, order_by=asked.sort)
    table.paginate(ClampingPaginator, asked.per_page, asked["page"], known=known)
    total = table.paginator.count
    return {
        "table": table,
        "page": table.page,
        "total": total,
        "suggestions": None if total else suggestions_for(asked, fresh.now),
    }


def _tabs(
    query: Query, here: str, counts: dict[str, int]
) -> list[tuple[str, str, int | None, bool, str]]:
    path = reverse("dashboard:orders")
    return [
        (view, name, counts.get(view), view == here, query.with_("view", view).url(path))
        for view, name in VIEW_NAMES.items()
    ]
